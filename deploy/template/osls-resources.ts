import { isObject, type Json, type JsonObject, ref } from "./json.ts";

/** What the parameters decide of what osls makes itself, as the template says it. */
export interface Symbols {
  readonly environment: Json;
  readonly vpc: Json;
  readonly reservedConcurrency: Json;
  readonly logRetentionDays: Json;
  readonly streamArn: Json;
  /** Function -> the condition under which there is one; undefined when there always is. */
  readonly conditions: ReadonlyMap<string, string | undefined>;
  /** Function -> `environment` and `rate` of its own. */
  readonly definitions: ReadonlyMap<string, JsonObject>;
  /** Function -> the name of its zip. */
  readonly zips: ReadonlyMap<string, string>;
  /** The stage's expression in the place of its sample. */
  readonly named: (value: Json) => Json;
}

/** osls's own, for its uploads. The zips are in a bucket of the user's instead. */
export const NOT_TAKEN = ["ServerlessDeploymentBucket", "ServerlessDeploymentBucketPolicy"];

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
const inVpc = (vpc: Json): Json => {
  if (isObject(vpc) && Array.isArray(vpc["Fn::If"])) {
    const [condition = "", yes = "", no = ""] = vpc["Fn::If"] as readonly Json[];
    return { "Fn::If": [condition, inVpc(yes), inVpc(no)] };
  }
  if (!isObject(vpc) || "Ref" in vpc) return vpc;
  return { SecurityGroupIds: vpc.securityGroupIds ?? [], SubnetIds: vpc.subnetIds ?? [] };
};

/** A function's part of the resources that osls has made: where a parameter decides, what it decides. */
export function withSymbols(id: string, resource: JsonObject, symbols: Symbols): JsonObject {
  const named = symbols.named(resource) as JsonObject;
  const properties = named.Properties as JsonObject;
  const owner = [...symbols.conditions.keys()].find((name) => id.startsWith(capital(name)));
  const condition = owner === undefined ? undefined : symbols.conditions.get(owner);
  return {
    ...named,
    ...(condition === undefined ? {} : { Condition: condition }),
    Properties: { ...properties, ...decided(named.Type, properties, symbols, owner ?? "") },
  };
}

function decided(
  type: Json | undefined,
  properties: JsonObject,
  symbols: Symbols,
  owner: string,
): JsonObject {
  switch (type) {
    case "AWS::Lambda::Function":
      return {
        Code: {
          S3Bucket: ref("CodeBucket"),
          S3Key: { "Fn::Sub": `\${CodePrefix}${symbols.zips.get(owner) ?? ""}` },
        },
        Environment: { Variables: environmentOf(owner, symbols) },
        VpcConfig: inVpc(symbols.vpc),
        // Of one function alone, which serverless.yml names.
        ...("ReservedConcurrentExecutions" in properties
          ? { ReservedConcurrentExecutions: symbols.reservedConcurrency }
          : {}),
      };
    case "AWS::Events::Rule": {
      const { rate } = symbols.definitions.get(owner) ?? {};
      return rate === undefined ? {} : { ScheduleExpression: rate };
    }
    case "AWS::Logs::LogGroup":
      return { RetentionInDays: symbols.logRetentionDays };
    case "AWS::Lambda::EventSourceMapping":
      return "StartingPosition" in properties ? { EventSourceArn: symbols.streamArn } : {};
    default:
      return {};
  }
}

/** Of all functions, and of its own. */
function environmentOf(owner: string, { environment, definitions }: Symbols): Json {
  return {
    ...(environment as JsonObject),
    ...(definitions.get(owner)?.environment as JsonObject | undefined),
  };
}
