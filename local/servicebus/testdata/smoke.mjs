// Walks through what Service Bus clients do, with the JavaScript SDK, and writes one line of JSON per step.
// Environment: CONNECTION_STRING, QUEUE, TOPIC, SUBSCRIPTION, NODE_DIR (the folder whose node_modules holds the SDK).
import { createRequire } from "node:module";

const { ServiceBusClient } = createRequire(process.env.NODE_DIR + "/")("@azure/service-bus");
const queue = process.env.QUEUE;
const say = (step, facts) => console.log(JSON.stringify({ step, ...facts }));
const client = new ServiceBusClient(process.env.CONNECTION_STRING, { retryOptions: { maxRetries: 0 } });
const wait = { maxWaitTimeInMs: 5000 };

async function one(receiver) {
  const [m] = await receiver.receiveMessages(1, wait);
  if (!m) throw new Error("no message came to " + receiver.entityPath);
  return m;
}

try {
  const sender = client.createSender(queue);
  const receiver = client.createReceiver(queue);

  await sender.sendMessages({ body: { n: 1 }, messageId: "m1", subject: "s", contentType: "application/json", applicationProperties: { text: "t", number: 42, yes: true } });
  let m = await one(receiver);
  say("receive", { body: m.body, id: m.messageId, subject: m.subject, properties: m.applicationProperties, count: m.deliveryCount, sequence: m.sequenceNumber.toString(), state: m.state });
  const before = m.lockedUntilUtc;
  const after = await receiver.renewMessageLock(m);
  say("renew", { later: after >= before });
  await receiver.abandonMessage(m, { why: "busy" });
  m = await one(receiver);
  say("abandon", { id: m.messageId, count: m.deliveryCount, why: m.applicationProperties.why });
  await receiver.completeMessage(m);

  const batch = await sender.createMessageBatch();
  for (const n of [2, 3, 4]) batch.tryAddMessage({ body: n, messageId: "m" + n });
  await sender.sendMessages(batch);
  say("peek", { ids: (await receiver.peekMessages(10)).map((p) => p.messageId) });

  m = await one(receiver);
  await receiver.deadLetterMessage(m, { deadLetterReason: "too-long", deadLetterErrorDescription: "field name", attempt: 3 });
  const dead = client.createReceiver(queue, { subQueueType: "deadLetter" });
  const d = await one(dead);
  say("dead-letter", { id: d.messageId, reason: d.deadLetterReason, description: d.deadLetterErrorDescription, attempt: d.applicationProperties.attempt });
  await dead.completeMessage(d);

  m = await one(receiver);
  await receiver.deferMessage(m);
  const [deferred] = await receiver.receiveDeferredMessages(m.sequenceNumber);
  say("defer", { id: deferred.messageId, state: deferred.state });
  await receiver.completeMessage(deferred);
  await receiver.completeMessage(await one(receiver));

  const soon = new Date(Date.now() + 300);
  const late = new Date(Date.now() + 3600_000);
  await sender.scheduleMessages({ body: "soon", messageId: "soon" }, soon);
  const [number] = await sender.scheduleMessages([{ body: "late", messageId: "late" }], late);
  say("scheduled", { ids: (await receiver.peekMessages(10, { fromSequenceNumber: number })).map((p) => p.messageId + ":" + p.state) });
  await sender.cancelScheduledMessages(number);
  m = await one(receiver);
  say("schedule", { id: m.messageId });
  await receiver.completeMessage(m);

  const eater = client.createReceiver(queue, { receiveMode: "receiveAndDelete" });
  await sender.sendMessages([{ body: "a", messageId: "a" }, { body: "b", messageId: "b" }]);
  const eaten = [];
  while (eaten.length < 2) eaten.push(...(await eater.receiveMessages(2, wait)).map((e) => e.messageId));
  say("receive and delete", { ids: eaten });
  say("drained", { left: (await eater.receiveMessages(5, { maxWaitTimeInMs: 100 })).length });

  try {
    await sender.sendMessages({ body: Buffer.alloc(300 * 1024), messageId: "large" });
    say("too large", { code: null });
  } catch (e) {
    say("too large", { code: e.code });
  }

  const publisher = client.createSender(process.env.TOPIC);
  await publisher.sendMessages({ body: "event", messageId: "e1", applicationProperties: { kind: "wanted" } });
  await publisher.sendMessages({ body: "event", messageId: "e2", applicationProperties: { kind: "other" } });
  const subscriber = client.createReceiver(process.env.TOPIC, process.env.SUBSCRIPTION);
  m = await one(subscriber);
  await subscriber.completeMessage(m);
  say("subscription", { id: m.messageId, left: (await subscriber.peekMessages(10)).length });

  const came = new Promise((resolve, reject) => {
    const subscription = receiver.subscribe({
      processMessage: async (p) => { await subscription.close(); resolve(p.messageId); },
      processError: async (e) => reject(e.error),
    });
  });
  await sender.sendMessages({ body: "pumped", messageId: "pumped" });
  say("pump", { id: await came });

  const grouped = client.createSender(process.env.SESSIONS);
  await grouped.sendMessages([{ body: "a1", messageId: "a1", sessionId: "a" }, { body: "a2", messageId: "a2", sessionId: "a" }]);
  await grouped.sendMessages({ body: "b1", messageId: "b1", sessionId: "b" });
  const held = await client.acceptSession(process.env.SESSIONS, "a");
  const lockEnd = held.sessionLockedUntilUtc;
  const renewed = await held.renewSessionLock();
  await held.setSessionState({ done: 1 });
  m = await one(held);
  say("session", { id: held.sessionId, message: m.messageId, session: m.sessionId, locked: lockEnd > new Date(), later: renewed >= lockEnd, state: await held.getSessionState(), peek: (await held.peekMessages(10)).map((p) => p.messageId) });
  await held.deferMessage(m);
  const [putAside] = await held.receiveDeferredMessages(m.sequenceNumber);
  await held.completeMessage(putAside);
  m = await one(held);
  await held.abandonMessage(m);
  m = await one(held);
  say("session goes on", { message: m.messageId, count: m.deliveryCount });
  await held.completeMessage(m);
  try {
    await client.acceptSession(process.env.SESSIONS, "a");
    say("session locked", { code: null });
  } catch (e) {
    say("session locked", { code: e.code });
  }
  const nextSession = await client.acceptNextSession(process.env.SESSIONS);
  m = await one(nextSession);
  say("next session", { id: nextSession.sessionId, message: m.messageId });
  await nextSession.completeMessage(m);
  await held.setSessionState(null);
  say("session state", { state: await held.getSessionState() });
  await held.close();
  await nextSession.close();
  const hasty = new ServiceBusClient(process.env.CONNECTION_STRING, { retryOptions: { maxRetries: 0, timeoutInMs: 500 } });
  try {
    await hasty.acceptNextSession(process.env.SESSIONS);
    say("no session", { code: null });
  } catch (e) {
    say("no session", { code: e.code });
  } finally {
    await hasty.close();
  }

  const rules = client.createRuleManager(process.env.TOPIC, process.env.SUBSCRIPTION);
  await rules.createRule("by-subject", { subject: "s", applicationProperties: { n: 5 } }, { sqlExpression: "SET tag = 'x'; REMOVE n" });
  await rules.createRule("by-sql", { sqlExpression: "other = 1" });
  await rules.deleteRule("r");
  for (const [step, again] of [["rule missing", () => rules.deleteRule("r")], ["rule twice", () => rules.createRule("by-sql", { sqlExpression: "1=1" })]]) {
    try {
      await again();
      say(step, { code: null });
    } catch (e) {
      say(step, { code: e.code, message: e.message });
    }
  }
  const listed = [];
  for await (const r of rules.listRules()) listed.push(r);
  say("rules", { listed });
  await publisher.sendMessages({ body: "event", messageId: "e3", subject: "s", applicationProperties: { n: 5 } });
  m = await one(subscriber);
  await subscriber.completeMessage(m);
  say("rule action", { id: m.messageId, properties: m.applicationProperties });

  try {
    await client.createSender("nowhere").sendMessages({ body: 1 });
    say("missing", { code: null });
  } catch (e) {
    say("missing", { code: e.code });
  }
  say("end", {});
} finally {
  await client.close();
}
