package telemetry

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestALineSaysAllThatIsKnownAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		record Record
		want   map[string]any
	}{
		{Record{Function: "f", Event: "e", Outcome: Delivered, Why: "created", Attempt: 1, Took: 1500 * time.Microsecond},
			map[string]any{"level": "info", "function": "f", "event": "e", "outcome": "delivered", "why": "created", "ms": 1.5}},
		{Record{Function: "f", Event: "e", Outcome: Published, Routes: []string{}},
			map[string]any{"level": "info", "function": "f", "event": "e", "outcome": "published", "routes": []any{}, "ms": 0.0}},
		{Record{Function: "f", Invocation: "i", Event: "e", Type: "t", Outcome: Retry, Kind: "throttled", Reason: "r", Field: "x", Detail: "d", Cause: "*c", Attempt: 3, Retry: 37 * time.Second},
			map[string]any{"level": "warn", "function": "f", "invocation": "i", "event": "e", "type": "t", "outcome": "retry", "kind": "throttled", "reason": "r", "field": "x", "detail": "d", "cause": "*c", "attempt": 3.0, "retryMs": 37000.0, "ms": 0.0}},
		{Record{Function: "f", Event: "e", Outcome: DeadLettered}, map[string]any{"level": "error", "function": "f", "event": "e", "outcome": "dead-lettered", "ms": 0.0}},
		{Record{Function: "f", Outcome: Alert}, map[string]any{"level": "error", "function": "f", "event": "", "outcome": "alert", "ms": 0.0}},
	} {
		var out strings.Builder
		NewLog(NewLogger(&out, ""))(c.record)
		var got map[string]any
		if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
			t.Fatalf("%q: %v", out.String(), err)
		}
		if _, err := time.Parse(time.RFC3339, got["time"].(string)); err != nil {
			t.Error(err)
		}
		delete(got, "time")
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("line (-want +got):\n%s", d)
		}
	}
}

func TestTheLevelHoldsLinesBack(t *testing.T) {
	var out strings.Builder
	NewLog(NewLogger(&out, "error"))(Record{Outcome: Delivered})
	if out.Len() > 0 {
		t.Errorf("logged %q below the level", out.String())
	}
	NewLog(NewLogger(&out, "no such level"))(Record{Outcome: Delivered})
	if out.Len() == 0 {
		t.Error("an unknown level must not silence the log")
	}
}
