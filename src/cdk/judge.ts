import { shown } from "../config/env.ts";
import type { ReleaseTemplate, TemplateParameter } from "./release.ts";

/** A value that is known only when the stack is deployed: judged by CloudFormation, and never empty. */
export type IsUnknown = (value: string) => boolean;

/**
 * What CloudFormation would refuse, found when the app is synthesized: with values in their place, the stack has neither
 * parameters nor rules. One line for each mistake.
 */
export function mistakesOf(
  { Parameters, Rules }: ReleaseTemplate,
  values: Readonly<Record<string, string>>,
  isUnknown: IsUnknown,
): string[] {
  const wrong = Object.entries(values)
    .filter(([, value]) => !isUnknown(value))
    .flatMap(([name, value]) => {
      const parameter = Object.hasOwn(Parameters, name) ? Parameters[name] : undefined;
      if (parameter === undefined) return [`${name}: expected one of ${Object.keys(Parameters).join(", ")}`];
      return takes(parameter, value)
        ? []
        : [`${name}: expected ${expected(parameter)}, found ${shown(value)}`];
    });
  const broken = Object.values(Rules)
    .flatMap(({ Assertions }) => Assertions)
    .filter(({ Assert }) => !holds(Assert, values))
    .map(({ AssertDescription }) => AssertDescription);
  return [...wrong, ...broken];
}

function takes({ AllowedPattern, AllowedValues, MaxLength }: TemplateParameter, value: string): boolean {
  return (
    (AllowedPattern === undefined || new RegExp(`^(?:${AllowedPattern})$`, "u").test(value)) &&
    (AllowedValues?.includes(value) ?? true) &&
    (MaxLength === undefined || value.length <= MaxLength)
  );
}

function expected(parameter: TemplateParameter): string {
  const { AllowedPattern = "", AllowedValues, ConstraintDescription, MaxLength } = parameter;
  const most = MaxLength === undefined ? "" : `, at most ${MaxLength} characters`;
  return (AllowedValues?.join(", ") ?? ConstraintDescription ?? `what matches ${AllowedPattern}`) + most;
}

/** Of the rules' functions, those that the template has. */
function holds(rule: unknown, values: Readonly<Record<string, string>>): boolean {
  const [[name, argument] = []] = Object.entries(rule as object) as [string, unknown][];
  const inner = argument as readonly unknown[];
  switch (name) {
    case "Fn::And":
      return inner.every((one) => holds(one, values));
    case "Fn::Or":
      return inner.some((one) => holds(one, values));
    case "Fn::Not":
      return !holds(inner[0], values);
    case "Fn::Equals":
      return textOf(inner[0], values) === textOf(inner[1], values);
    default:
      throw new Error(
        `expected Fn::And, Fn::Or, Fn::Not or Fn::Equals in a rule, found ${name ?? "nothing"}`,
      );
  }
}

function textOf(operand: unknown, values: Readonly<Record<string, string>>): string {
  if (typeof operand === "string") return operand;
  return values[(operand as { readonly Ref: string }).Ref] ?? "";
}
