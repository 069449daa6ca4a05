// Package link keeps one record of one pair of systems right: never a second row, never an older value over a newer one,
// under duplicates, reordering, crashes, pauses and several workers.
//
// # Rows
//
// A [Store] holds three kinds of rows, one partition family per pair of systems:
//
//	m/<L>          main row, L random: match key, the record's id per side, per flow the version last applied and the
//	               hash of what it wrote, the claim, dirty, tombstone, intent
//	p/<side>/<id>  pointer from a side's id to L, or dead
//	k/<match key>  pointer from the match key to L
//
// A side is a system's name, such as "fno". Every write is a compare-and-swap by ETag; no transaction is needed.
//
// # Steps
//
// [Flow.Apply] brings one change to the target, in steps whose numbers the code names where it takes them:
//
//	resolve  1 read p, then m. 2 Unknown: take the key (row flow: from the source), read or insert k and m.
//	         3 k that leads to a main with another key is stale: swap it to a new L. 4 Insert p.
//	claim    5 A live claim of another worker: wait. Else swap in a token; over an expired one, set dirty. For an event
//	         flow the same swap sets the pending version. 6 Row flow: read the source now. Event flow: a version that
//	         is not above the applied one, or below the pending one, is late.
//	bind     7 p must still lead to L. 8 Another live id in this side's slot. 9 A slot promised by an intent. 10 Another
//	         key. 11 Rewrite k, then p: this fences writers that read them before. 13 Commit ids and intent before
//	         any write to the target.
//	write    14 Target unknown: look it up by intent, then by key; found: adopt it; absent: create it. 15 Target known,
//	         same hash, not dirty: nothing to do. 16 Target gone: nothing to do, never create it here. 17 Equal: nothing
//	         to do; else write the owned fields, with If-Match where the system has it. After a takeover such a system
//	         is written even when equal, to raise its row version. 18 Nothing is sent after the claim's end less the
//	         margin; an unknown outcome keeps the claim. 19 Commit by ETag; a lost swap schedules a copy.
//	delete   Row flow: only a delete event, and no row, and the bound id. Event flow: p is marked dead first. A dead id
//	         never comes back; a re-creation has a new id.
//
// # What it costs
//
// A known record takes 4 storage operations (row flow and event flow), an event flow's duplicate 2, the first event of a
// record 10 (event flow) where the target is created; a test counts them.
//
// # What it can't promise
//
// A claim is no fence: a write that was sent in time can take effect late. [Options.Margin] must be at least the longest
// time from sending a request to its effect, plus the skew of the workers' clocks. Beyond it, a system without If-Match can
// get an older value over a newer one. At most one identical repeat is written per crash, time-out or expired claim.
// Edits of foreign fields in the target aren't repaired.
//
// # One direction
//
// Not built yet, and what happens meanwhile:
//   - Re-keying a linked record (step 12): the change is refused with reason "key-changed"; nothing is written.
//   - Two flows in opposite directions over one pair: no echo is recognised by content; the target's own event comes back as
//     a change, finds an equal row and ends there. A create that the other direction began and did not finish is waited
//     for (reason "intent-open").
//   - A target row that is already linked to another record: refused with reason "target-linked".
package link
