// Package receive turns what F&O and Dataverse send into events on the topic, and does nothing else: it calls no system.
//
//	in   fno-events, dataverse-events (queues)  a body of any grammar that package event reads   → [Batch]
//	     POST /api/dataverse-webhook            an execution context                              → [Webhook]
//	out  events (topic)                         CloudEvents, at least once per event; the topic drops what comes twice
//
// What becomes of a message of a queue:
//
//	all its events are on the topic        completed
//	a test event                           completed, nothing to do
//	unreadable, or its event is refused    dead-lettered; the reason is the fault's, the description names the field
//	not published, body not fetched        left alone; the end of its lock is the back-off
//	panic                                  left alone, from the third delivery on dead-lettered
//
// What a webhook's sender is answered:
//
//	200   the events are durable, or the unreadable body is in the queue dataverse-events, whose receiver dead-letters it
//	503   neither could be done; Dataverse sends once more on 502, 503 and 504, and on nothing else
//	405   not POST
//	413   larger than any webhook of Dataverse
package receive
