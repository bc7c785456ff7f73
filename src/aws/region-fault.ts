/**
 * What the SDK found where it expected a region, in the words of its error; undefined when that is about something else.
 * An empty variable is to it a region of no name. What came is not repeated: anything may stand in a wrong variable.
 */
export function regionFault(message: string): "none" | "something else" | undefined {
  if (message.includes("Region is missing") || message.includes('Region not accepted: region=""'))
    return "none";
  return message.includes("Region not accepted") ? "something else" : undefined;
}
