package settle

// Outcome is what a handler did with a message that did not fail.
type Outcome struct {
	// Delivered is true when the target was written, false when there was nothing to do.
	Delivered bool
	// Why says in one word why there was nothing to do: "duplicate", "late", "unchanged", "gone", "echo", "not-wanted", "test-event".
	// For a delivery it says how: "created", "updated", "deleted", "deactivated", "published".
	Why string
}

// Delivered returns the outcome of a write; how is "created", "updated", "deleted", "deactivated" or "published".
func Delivered(how string) Outcome { return Outcome{Delivered: true, Why: how} }

// NothingToDo returns the outcome of a message that needs no write, with the reason in one word.
func NothingToDo(why string) Outcome { return Outcome{Why: why} }
