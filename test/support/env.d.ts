/// <reference types="@cloudflare/vitest-pool-workers/types" />
import type { D1Migration } from "@cloudflare/vitest-pool-workers";
import type { Env } from "../../src/config.ts";
import type * as worker from "../../src/index.ts";

declare global {
  namespace Cloudflare {
    interface Env extends WatchTowerEnv {
      TEST_MIGRATIONS: D1Migration[];
    }
    interface GlobalProps {
      mainModule: typeof worker;
    }
  }
}

type WatchTowerEnv = Env;
