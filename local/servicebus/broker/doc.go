// Package broker holds the semantics of Service Bus and nothing else: queues, topics with subscriptions and rules,
// peek-lock, dead-letter sub-queues, schedule, deferral, duplicate detection, time to live and auto-forward. It does no
// I/O and starts no goroutine; the clock is injected, and [Broker.Advance] is what makes time pass.
//
// Every operation first does what is due at Now, so what a caller sees depends on the clock alone, never on how
// punctual the driver of Advance is.
//
// Addresses are compared without case:
//
//	queue                       topic                       topic/Subscriptions/subscription
//	queue/$DeadLetterQueue      queue/$Transfer/$DeadLetterQueue      (and the same two behind a subscription)
//
// What a message goes through:
//
//	scheduled ──due──▶ available ──Receive──▶ locked ──Complete──▶ gone
//	                       ▲                    │ Abandon, lock expiry (delivery count + 1), Release
//	                       └────────────────────┤
//	                                            ├─Defer─▶ deferred ──ReceiveDeferred──▶ locked
//	                                            └─DeadLetter, or too many deliveries──▶ $DeadLetterQueue
//
// All of it happens in the few functions of change.go, so that a journal has one place to listen at.
//
// In an entity with sessions the lock is on the session: [Broker.AcceptSession] and [Broker.AcceptNextSession] give it,
// and what it shows is received, in order, by its holder alone.
//
// Transactions and partitions aren't built; what asks for them gets [ErrNotImplemented].
package broker
