// Walks through the admin API with the JavaScript SDK and writes one line of JSON per step.
// Environment: CONNECTION_STRING, NODE_DIR (the folder whose node_modules holds the SDK), NODE_EXTRA_CA_CERTS.
import { createRequire } from "node:module";

const { ServiceBusAdministrationClient } = createRequire(process.env.NODE_DIR + "/")("@azure/service-bus");
const say = (step, facts) => console.log(JSON.stringify({ step, ...facts }));
const admin = new ServiceBusAdministrationClient(process.env.CONNECTION_STRING);

async function refusal(does) {
  try {
    await does();
  } catch (err) {
    return { code: err.code, status: err.statusCode };
  }
  throw new Error("it isn't refused");
}

async function names(pages, of) {
  const out = [];
  for await (const page of pages) out.push(page.map(of).join(" "));
  return out;
}

try {
  const ns = await admin.getNamespaceProperties();
  say("namespace", { sku: ns.messagingSku });

  let q = await admin.createQueue("made", { lockDuration: "PT30S", maxDeliveryCount: 4, requiresDuplicateDetection: true, userMetadata: "<&>" });
  say("createQueue", { lock: q.lockDuration, deliveries: q.maxDeliveryCount, detects: q.requiresDuplicateDetection, metadata: q.userMetadata, status: q.status, forever: q.defaultMessageTimeToLive });
  q.lockDuration = "PT45S";
  q = await admin.updateQueue(q);
  say("updateQueue", { lock: q.lockDuration, deliveries: q.maxDeliveryCount, metadata: q.userMetadata });
  say("again", await refusal(() => admin.createQueue("made")));
  say("missing", { exists: await admin.queueExists("none"), ...(await refusal(() => admin.getQueue("none"))) });

  await admin.createTopic("events");
  await admin.createSubscription("events", "to-made", { forwardTo: "made" });
  const s = await admin.getSubscription("events", "to-made");
  say("forward", { to: s.forwardTo.replace(/.*\//, "") });

  await admin.createRule("events", "to-made", "sql", { sqlExpression: "a = @n AND color = 'red'", sqlParameters: { "@n": 7 } }, { sqlExpression: "SET b = 1" });
  await admin.createRule("events", "to-made", "same", { correlationId: "c", applicationProperties: { text: "t", yes: true } });
  const sql = await admin.getRule("events", "to-made", "sql");
  say("sqlRule", { filter: sql.filter.sqlExpression, parameters: sql.filter.sqlParameters, action: sql.action.sqlExpression });
  const same = await admin.getRule("events", "to-made", "same");
  say("correlationRule", { id: same.filter.correlationId, properties: same.filter.applicationProperties });
  await admin.deleteRule("events", "to-made", "$Default");
  say("rules", { pages: await names(admin.listRules("events", "to-made").byPage({ maxPageSize: 1 }), (r) => r.name) });

  await admin.createQueue("other");
  say("queues", { pages: await names(admin.listQueues().byPage({ maxPageSize: 2 }), (x) => x.name) });
  const counts = await admin.getQueueRuntimeProperties("made");
  say("counts", { active: counts.activeMessageCount, total: counts.totalMessageCount, dead: counts.deadLetterMessageCount, scheduled: counts.scheduledMessageCount, created: counts.createdAt instanceof Date });
  await admin.deleteSubscription("events", "to-made");
  await admin.deleteTopic("events");
  say("deleted", { topic: await admin.topicExists("events") });
} catch (err) {
  console.error(err);
  process.exitCode = 1;
}
