import { describe, expect, it } from "vitest";
import { AppError } from "../../src/domain/errors.ts";

describe("an error that a caller can meet", () => {
  it("has the status of its code, a hint, and headers where they are needed", () => {
    const error = new AppError("method_not_allowed", "Use GET.", { Allow: "GET" });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: "AppError",
      code: "method_not_allowed",
      status: 405,
      message: "Use GET.",
      headers: { Allow: "GET" },
    });
    expect(new AppError("not_found", "There is none.")).toMatchObject({ status: 404, headers: {} });
  });

  it("answers with the statuses of the contract", () => {
    expect(new AppError("invalid_input", "").status).toBe(400);
    expect(new AppError("forbidden", "").status).toBe(403);
    expect(new AppError("too_large", "").status).toBe(413);
    expect(new AppError("internal", "").status).toBe(500);
    expect(new AppError("not_configured", "").status).toBe(503);
    expect(new AppError("unavailable", "").status).toBe(503);
  });
});
