package receive

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"

	"crosswalk/shared/fault"
	"crosswalk/shared/telemetry"
)

// panicked is the reason of a message whose handling panicked.
const panicked = "panic"

// guard calls f and returns its panic as a fault that says where it happened. What was panicked with is left out but for
// its type, because it may hold values.
func guard(f func()) (failure *fault.Error) {
	defer func() {
		if p := recover(); p != nil {
			failure = &fault.Error{Kind: fault.Transient, Reason: panicked,
				Detail: "the program failed at " + panicSite() + "; this is a defect of Crosswalk", Err: fmt.Errorf("panic of type %T", p)}
		}
	}()
	f()
	return nil
}

// panicSite returns function, file and line of the frame that panicked. It is called while the panic unwinds.
func panicSite() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for unwinding := false; ; {
		frame, more := frames.Next()
		inRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if unwinding && !inRuntime {
			return fmt.Sprintf("%s (%s:%d)", path.Base(frame.Function), path.Base(frame.File), frame.Line)
		}
		unwinding = unwinding || inRuntime
		if !more {
			return "an unknown place"
		}
	}
}

// withFault returns r with what support staff need to know of a failure.
func withFault(r telemetry.Record, f *fault.Error) telemetry.Record {
	r.Reason, r.Field, r.Detail, r.Kind = f.Reason, f.Field, f.Detail, f.Kind.String()
	if f.Err != nil {
		root := f.Err
		for next := errors.Unwrap(root); next != nil; next = errors.Unwrap(root) {
			root = next
		}
		r.Cause = fmt.Sprintf("%T", root)
	}
	return r
}
