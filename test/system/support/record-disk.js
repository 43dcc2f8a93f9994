// Loaded into a program before it begins: writes into the file DISK_RECORD what is brought to the disk, with its size
// at that moment, and what is moved, a JSON array a line.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const { openSync, closeSync, fsyncSync, renameSync, fstatSync, writeSync } = fs;
const record = openSync(process.env.DISK_RECORD, "a");
const say = (...words) => writeSync(record, `${JSON.stringify(words)}\n`);

const paths = new Map();
fs.openSync = (path, ...more) => {
  const descriptor = openSync(path, ...more);
  paths.set(descriptor, String(path));
  return descriptor;
};
fs.closeSync = (descriptor) => {
  closeSync(descriptor);
  paths.delete(descriptor);
};
fs.fsyncSync = (descriptor) => {
  fsyncSync(descriptor);
  say("sync", paths.get(descriptor), fstatSync(descriptor).size);
};
fs.renameSync = (from, to) => {
  renameSync(from, to);
  say("move", from, to);
};

const { open } = fs.promises;
fs.promises.open = async (path, ...more) => {
  const handle = await open(path, ...more);
  const sync = handle.sync.bind(handle);
  handle.sync = async () => {
    await sync();
    say("sync", String(path), fstatSync(handle.fd).size);
  };
  return handle;
};
syncBuiltinESMExports();
