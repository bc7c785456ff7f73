import { parse } from "@cdktn/hcl2json";
import { describe, expect, it } from "vitest";
import { terraformFiles, variableOf } from "../../../deploy/release/terraform.ts";

describe("the Terraform files that follow from a template", () => {
  it.each([
    ["RedisUrl", "redis_url"],
    ["TableKmsKeyArn", "table_kms_key_arn"],
    ["Stage", "stage"],
    ["Sha256Sum", "sha256_sum"],
  ])("spell %s as %s", (parameter, variable) => {
    expect(variableOf(parameter)).toBe(variable);
  });

  it.each(['a "quote"', "a \\ backslash", "${var.x}", "%{ if true }", "$${x}", "{braces}", "…"])(
    "keep %s as it is",
    async (text) => {
      const files = terraformFiles({
        Parameters: { RedisKeyPrefix: { Description: text, Default: text } },
        Outputs: {},
      });
      const read = await parse("variables.tf", files["parameter-variables.tf"] ?? "");
      const [variable] = (read as { variable: Record<string, [{ description: string; default: string }]> })
        .variable.redis_key_prefix ?? [undefined];
      // The parser leaves the signs that begin a template doubled.
      const plain = (value = "") => value.replace(/([$%])\1\{/g, "$1{");
      expect([plain(variable?.description), plain(variable?.default)]).toEqual([text, text]);
    },
  );

  it("ask for what has no default", async () => {
    const files = terraformFiles({ Parameters: { CodeBucket: { Description: "d" } }, Outputs: {} });
    const read = await parse("variables.tf", files["parameter-variables.tf"] ?? "");
    expect(read).toEqual({
      variable: { code_bucket: [{ description: "d", nullable: false, type: "${string}" }] },
    });
  });
});
