// A complete plugin in JavaScript: a member of a ring hands its data over before it leaves for good.
// Built from the contract alone, see build.mjs.

import { run } from "stateward:plugin/exec@0.1.0";

export const describe = {
  manifest() {
    const ask = { container: "ring", argv: ["ringctl", "*"], why: "hand data over" };
    return JSON.stringify({ name: "ring-javascript", version: "0.1.0", asks: { exec: [ask] } });
  },
};

export const preDelete = {
  run(call, app, member, why) {
    if (member.pod === undefined || !["scale-in", "teardown"].includes(why.tag)) {
      return { tag: "done" }; // after an update or an eviction it comes back
    }
    const state = ringctl(member.pod, "state");
    if (state === "LEFT") return { tag: "done" };
    if (state !== "LEAVING") ringctl(member.pod, "leave");
    const progress = { checkpoint: new Uint8Array(), message: "handing its data over", againAfterMs: 5000, extra: [] };
    return { tag: "in-progress", val: progress };
  },
};

function ringctl(pod, verb) {
  const command = { container: "ring", argv: ["ringctl", verb], stdin: new Uint8Array(), extra: [] };
  return new TextDecoder().decode(run(pod, command, 9000).stdout).trim();
}
