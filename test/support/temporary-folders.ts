import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";

/**
 * For the file that calls it: folders that are removed after each test. Called before `keeping`, whose parts may still
 * use them: hooks run last first.
 */
export function temporaryFolders(name: string): () => string {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });
  return () => {
    const folder = mkdtempSync(join(tmpdir(), `soketi-app-sync-${name}-`));
    folders.push(folder);
    return folder;
  };
}
