// Package verify looks at a deployment: whether everything that the project describes is there, whether an event passes all
// the way, and whether what could not be proved without Azure holds. It writes to no business system, and takes away again
// what it leaves in queues.
package verify

import "fmt"

// Verdict says how a question came out.
type Verdict uint8

const (
	// Held means that it was seen to be as it should.
	Held Verdict = iota
	// Failed means that it was seen to be otherwise.
	Failed
	// Unknown means that it could not be seen.
	Unknown
)

// String returns the verdict as it is printed.
func (v Verdict) String() string {
	switch v {
	case Held:
		return "holds"
	case Failed:
		return "FAILS"
	}
	return "unknown"
}

// Finding is the answer to one question.
type Finding struct {
	// Question is what was asked, as a statement that should hold.
	Question string
	Verdict  Verdict
	// Evidence is what was seen. Fix says what to do where it doesn't hold.
	Evidence, Fix string
}

func held(question, evidence string, args ...any) Finding {
	return Finding{Question: question, Verdict: Held, Evidence: fmt.Sprintf(evidence, args...)}
}

func failed(question, fix, evidence string, args ...any) Finding {
	return Finding{Question: question, Verdict: Failed, Evidence: fmt.Sprintf(evidence, args...), Fix: fix}
}

func unknown(question, fix, evidence string, args ...any) Finding {
	return Finding{Question: question, Verdict: Unknown, Evidence: fmt.Sprintf(evidence, args...), Fix: fix}
}
