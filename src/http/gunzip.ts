import { AppError } from "../domain/errors.ts";

/**
 * How much is inflated before its reader has taken what came out, in bytes. workerd's DecompressionStream takes whatever is written, and holds all that
 * comes out of it, which is up to 1,032 times as much: 4 MiB of so many.
 */
const PIECE_BYTES = 4 * 1024;

/** How far the reading of what was inflated has come. */
interface Progress {
  chunks: number;
  isOver: boolean;
}

/** Inflates while it is read, hardly ahead of its reader. Throws an {@link AppError} where it is no gzip, or not all. */
export async function* gunzip(compressed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { readable, writable } = new DecompressionStream("gzip");
  const progress: Progress = { chunks: 0, isOver: false };
  const failure = feed(compressed, writable.getWriter(), progress);
  try {
    for await (const chunk of readable) {
      progress.chunks++;
      yield chunk;
    }
  } catch {
    const cause = await failure;
    throw cause instanceof AppError
      ? cause
      : new AppError("invalid_input", "The body must be one gzip stream; it is not valid, or ends too early.");
  } finally {
    progress.isOver = true;
  }
}

/** Feeds an inflater piece by piece. Never throws: resolves with what went wrong, if anything. */
async function feed(
  compressed: AsyncIterable<Uint8Array>,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  progress: Progress,
): Promise<unknown> {
  let ahead = 0;
  try {
    for await (const chunk of compressed) {
      for (let at = 0; at < chunk.byteLength && !progress.isOver; at += PIECE_BYTES) {
        const piece = chunk.subarray(at, at + PIECE_BYTES);
        if (ahead + piece.byteLength > PIECE_BYTES) {
          await untilTaken(progress);
          ahead = 0;
        }
        await writer.write(piece);
        ahead += piece.byteLength;
      }
      if (progress.isOver) return undefined;
    }
    await writer.close();
    return undefined;
  } catch (error) {
    await writer.abort(error).catch(() => undefined);
    return error;
  }
}

/** Waits until the reader has taken what was there: a timer fires only when nothing else is ready. */
async function untilTaken(progress: Progress): Promise<void> {
  for (let before = -1; progress.chunks > before && !progress.isOver; ) {
    before = progress.chunks;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}
