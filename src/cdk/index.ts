/** What `soketi-app-sync/cdk` exports. Needs aws-cdk-lib and constructs, which an app of CDK has. */
import { CfnResource, Reference, Stack, Token, Tokenization } from "aws-cdk-lib";
import { CfnInclude } from "aws-cdk-lib/cloudformation-include";
import { Asset } from "aws-cdk-lib/aws-s3-assets";
import { Construct } from "constructs";
import { mistakesOf } from "./judge.ts";
import { readRelease, type ReleaseTemplate } from "./release.ts";

export interface SoketiAppSyncProps {
  /** The folder of a release of soketi-app-sync: cloudformation.json and functions/ are read. */
  readonly release: string;
  /**
   * The parameters of the release's template, by its names: `RedisUrl`, `TableName`, `StreamArn`. What is not given has the
   * template's default. CodeBucket and CodePrefix are the construct's own: the zips are assets.
   */
  readonly parameters: Readonly<Record<string, string>>;
}

const OF_CODE = ["CodeBucket", "CodePrefix"];

/**
 * The pipeline, with the resources of the release's template under their own logical ids: once in a stack.
 *
 * @throws Error for a folder that is no release, and for wrong parameters: all mistakes at once
 */
export class SoketiAppSync extends Construct {
  /** For everything that is in it: `getResource("StreamRole")`, `getOutput("DashboardName")`. */
  readonly template: CfnInclude;

  constructor(scope: Construct, id: string, { release, parameters }: SoketiAppSyncProps) {
    super(scope, id);
    const { template, templateFile, zips } = readRelease(release);
    const values = valuesOf(Stack.of(this), template, parameters);
    const assets = new Map([...zips].map(([name, path]) => [name, new Asset(this, `${name}Code`, { path })]));
    const [first] = assets.values();
    this.template = new CfnInclude(this, "Template", {
      templateFile,
      parameters: { ...values, CodeBucket: first?.s3BucketName, CodePrefix: "" },
    });
    for (const [name, { s3BucketName, s3ObjectKey }] of assets) {
      const fn = this.template.getResource(name);
      fn.addPropertyOverride("Code", { S3Bucket: s3BucketName, S3Key: s3ObjectKey });
    }
    removeRules(this.template, Object.keys(template.Rules));
  }
}

/** They have been judged, and are about parameters, which the stack does not have. */
function removeRules(template: CfnInclude, names: readonly string[]): void {
  const folders = new Set(names.map((name) => template.getRule(name).node.scope?.node.id ?? ""));
  for (const folder of folders) template.node.tryRemoveChild(folder);
}

/** Each parameter's value, defaults included. */
function valuesOf(
  stack: Stack,
  template: ReleaseTemplate,
  given: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const names = Object.keys(template.Parameters).filter((name) => !OF_CODE.includes(name));
  const byDefault = Object.fromEntries(names.map((name) => [name, template.Parameters[name]?.Default ?? ""]));
  const values = { ...byDefault, ...given };
  const decisive = new Set(
    [...JSON.stringify(template.Conditions).matchAll(/"Ref":"(\w+)"/g)].map(([, name = ""]) => name),
  );
  const mistakes = [
    ...Object.keys(given)
      .filter((name) => OF_CODE.includes(name))
      .map((name) => `${name}: expected none, the zips are assets. Leave it out`),
    ...Object.keys(given)
      .filter((name) => decisive.has(name) && isOfResource(stack, values[name] ?? ""))
      .map((name) => `${name}: expected text, or a parameter, found an attribute of a resource of this stack. Conditions cannot read it: place this construct in a NestedStack`), // prettier-ignore
    ...mistakesOf(template, values, (value) => Token.isUnresolved(value)),
  ];
  if (mistakes.length > 0) throw new Error(`The parameters are wrong:\n  ${mistakes.join("\n  ")}`);
  return values;
}

/** Conditions decide before any resource is there. What is of a stack around a nested one comes in as a parameter. */
const isOfResource = (stack: Stack, value: string): boolean =>
  Tokenization.reverseString(value).tokens.some(
    (token) =>
      Reference.isReference(token) &&
      CfnResource.isCfnResource(token.target) &&
      (!stack.nested || Stack.of(token.target) === stack),
  );
