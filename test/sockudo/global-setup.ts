import { sockudoBinary } from "../../local/sockudo-binary.ts";

/** Before any time limit of a test counts. */
export default function setup(): void {
  sockudoBinary();
}
