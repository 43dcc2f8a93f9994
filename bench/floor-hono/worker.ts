import { Hono } from "hono/tiny";

const app = new Hono();
app.get("/hello", (c) => c.json({ result: 200 }));

export default app;
