import { FUNCTION_VARIABLES, type FunctionName, type VariableName } from '#shared/contracts/environment.ts';

/**
 * The environment of a function: exactly the variables that it reads.
 *
 * @param values every variable of the stage; one that is not known yet to the stack that makes the function is a function
 */
export const functionEnvironment = (
  name: FunctionName,
  values: Readonly<Record<VariableName, () => string>>,
): Readonly<Record<string, string>> => ({
  ...Object.fromEntries(FUNCTION_VARIABLES[name].map((variable) => [variable, values[variable]()])),
  LOG_LEVEL: 'info',
  NODE_OPTIONS: '--enable-source-maps',
});
