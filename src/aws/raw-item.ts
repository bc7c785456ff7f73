import type { AttributeValue } from "@aws-sdk/client-dynamodb";

/** An item of the apps table as DynamoDB has it, before anything is made of it. */
export type RawItem = Record<string, AttributeValue>;

/** Attributes by name; undefined for one that is not there, or that is to go. */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;
