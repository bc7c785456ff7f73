import { anyOf, equals, type Json, type JsonObject, not, ref } from "./json.ts";
import { choicesOf, PARAMETERS, parameterOf, variables } from "./variables.ts";

/** Those that only the plain template has: where the code is, and the stage, which osls is told otherwise. */
const OWN: Readonly<Record<string, JsonObject>> = {
  CodeBucket: {
    Type: "String",
    Description: "The bucket with the functions' zips, in the region of the stack",
    AllowedPattern: "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
  },
  CodePrefix: {
    Type: "String",
    Default: "",
    Description: "What stands before the zips' names in the bucket, with a slash at its end",
    AllowedPattern: "^$|^.*/$",
  },
  Stage: {
    Type: "String",
    Default: "prod",
    Description: "In the name of everything, so that two stacks in one account do not meet",
    AllowedPattern: "[a-zA-Z0-9][a-zA-Z0-9-]*",
    MaxLength: 30,
  },
};

/** Each parameter of `serverless deploy` under its own name with a capital, with the same default and the same pattern. */
export function templateParameters(): Record<string, JsonObject> {
  const theirs = variables()
    .filter(({ name }) => name in PARAMETERS)
    .map(({ name, parameter, isList }) => [parameter, parameterWith(name, isList)]);
  return { ...OWN, ...Object.fromEntries(theirs) } as Record<string, JsonObject>;
}

function parameterWith(name: string, isList: boolean): JsonObject {
  const { default: byDefault = "", expected = "", pattern } = PARAMETERS[name] ?? {};
  const choices = choicesOf(name);
  const common = {
    Default: byDefault,
    Description: byDefault === "" ? `Not given, or: ${expected}` : expected,
  };
  if (choices) return { Type: "String", ...common, AllowedValues: choices };
  // A list is split at its commas, and nothing is trimmed.
  const source = (pattern?.source ?? "^-?\\d+$").replaceAll(isList ? "\\s*" : "", "");
  const judged = forJava(name === "redisUrl" ? withoutPassword(source) : source);
  return {
    Type: "String",
    ...common,
    AllowedPattern: byDefault === "" ? `^$|${judged}` : judged,
    ConstraintDescription: expected,
  };
}

/** `serverless deploy` has a sentence of its own about it; here the pattern is all that can keep a password out of the stack. */
const withoutPassword = (source: string) => source.replace("[^/\\s@?#%]", "[^/\\s@?#%:]");

/** CloudFormation's patterns are Java's, where a bracket inside of brackets begins a set in the set. */
function forJava(source: string): string {
  let inSet = false;
  return source.replace(/\\.|[[\]]/g, (found) => {
    if (found.length > 1) return found;
    if (found === "[" && inSet) return "\\[";
    inSet = found === "[";
    return found;
  });
}

const given = (name: string): JsonObject => not(equals(ref(parameterOf(name)), ""));
const absent = (name: string): JsonObject => equals(ref(parameterOf(name)), "");
const both = (...conditions: readonly JsonObject[]): JsonObject => ({ "Fn::And": conditions });
const atMostOne = (names: readonly string[]): JsonObject =>
  anyOf(names.map((_, i) => both(...names.filter((__, other) => other !== i).map(absent))));

const rule = (Assert: Json, AssertDescription: string): JsonObject => ({
  Assertions: [{ Assert, AssertDescription }],
});

/** What contradicts itself and would make a stack that does not work. The rest is told by the functions' own start. */
export function templateRules(): Record<string, JsonObject> {
  const places = ["redisUrl", "redisClusterNodes", "redisSentinels"];
  return {
    OneRedis: rule(
      both(anyOf(places.map(given)), atMostOne(places)),
      "Give one of RedisUrl, RedisClusterNodes and RedisSentinels: the Redis that the soketi nodes use",
    ),
    OneLogin: rule(
      atMostOne(["redisSecretId", "redisPasswordParameter", "redisIamCacheName"]),
      "Give at most one of RedisSecretId, RedisPasswordParameter and RedisIamCacheName",
    ),
    NameOfSentinels: rule(
      anyOf([
        both(given("redisSentinels"), given("redisSentinelName")),
        both(absent("redisSentinels"), absent("redisSentinelName")),
      ]),
      "Give both of RedisSentinels and RedisSentinelName, or neither",
    ),
    NoReplicasOfCluster: rule(
      anyOf([absent("redisClusterNodes"), equals(ref("MinReplicas"), "0")]),
      "MinReplicas has to be 0 beside RedisClusterNodes: a cluster's masters are asked instead",
    ),
    NoEvictionOfSockudo: rule(
      anyOf([not(equals(ref("SharedCache"), "evict")), equals(ref("SharedCacheFormat"), "soketi")]),
      "SharedCacheFormat with sockudo needs SharedCache refresh: an app that is not in its cache is unknown to sockudo",
    ),
    UserOfIam: rule(
      anyOf([absent("redisIamCacheName"), given("redisUsername")]),
      "RedisIamCacheName needs RedisUsername: the ElastiCache user",
    ),
    WholeVpc: rule(
      anyOf([
        both(given("subnetIds"), given("securityGroupIds")),
        both(absent("subnetIds"), absent("securityGroupIds")),
      ]),
      "Give both of SubnetIds and SecurityGroupIds, or neither",
    ),
    KeyOfOwnTable: rule(
      anyOf([absent("tableKmsKeyArn"), given("streamArn")]),
      "TableKmsKeyArn is for an existing table: give its StreamArn, or leave it out",
    ),
  };
}
