/** A reason not to go on that the user can act on: told in its own words, without a stack trace. */
export class Refusal extends Error {}

/** For what went wrong when a file was written: a full disk, a folder that is not there or not to be written to. */
export function refusalOf(error: unknown, file: string): unknown {
  if ((error as NodeJS.ErrnoException).code === undefined) return error;
  return new Refusal(`${file} can't be written: ${(error as Error).message}`);
}

/** Runs a program; a refusal ends it with exit code 1, told on stderr or by `tell`. */
export async function runProgram(
  program: () => Promise<void>,
  tell: (message: string) => void = console.error,
): Promise<void> {
  try {
    await program();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    tell(error.message);
    process.exit(1);
  }
}
