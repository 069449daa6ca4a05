package functionshost

import (
	"math"
	"testing"
	"time"

	"github.com/google/uuid"
)

// TestEncode holds the rules of value encoding; the wanted texts are recorded ones (case 13, its invented X… keys).
func TestEncode(t *testing.T) {
	at := time.Date(2026, 11, 23, 6, 47, 22, 923456700, time.UTC)
	for _, c := range []struct {
		value any
		want  string
	}{
		{"abc", `"\"abc\""`},
		{"", `"\"\""`},
		{"7", `"\"7\""`},
		{`{"j":1}`, `"\"{\\\"j\\\":1}\""`},
		{uuid.MustParse("6e0f0c3e-0d5b-4b5e-9c51-0f3c3b0c1a11"), `"\"6e0f0c3e-0d5b-4b5e-9c51-0f3c3b0c1a11\""`},
		{90*time.Second + 500*time.Millisecond, `"\"00:01:30.5000000\""`},
		{decimalText("1.50"), `"1.50"`},
		{2.0, `"2.0"`},
		{float32(1e20), `"1E+20"`},
		{true, `"true"`},
		{uriText("http://x/y?z=1"), `"\"http://x/y?z=1\""`},
		{[]byte{0, 1, 0xFF}, `"AAH/"`},
		{5, `"5"`},
		{int64(9007199254740993), `"9007199254740993"`},
		{dateTimeUTC(at), `"2026-11-23T06:47:22"`},
		{dateTime(at), `"2026-11-23T06:47:22"`},
		{dateTimeOffset(at.In(time.FixedZone("", 7200))), `"2026-11-23T08:47:22+02:00"`},
		{dateTime(maxDateTime), `"9999-12-31T23:59:59"`},
		{array{"a", "b"}, `"[\"a\",\"b\"]"`},
		{array{1, "a"}, `"[1,\"a\"]"`},
		{array{[]byte{1}, []byte{2, 3}}, `"[\"AQ==\",\"AgM=\"]"`},
		{array{dateTime(at)}, `"[\"2026-11-23T06:47:22.9234567\"]"`},
		{array{dateTimeUTC(at.Truncate(time.Millisecond))}, `"[\"2026-11-23T06:47:22.923Z\"]"`},
		{dictionary{{"a", array{1, dictionary{{"b", nil}}}}, {"d", dateTimeUTC(at.Truncate(time.Second))}}, `{"a":[1,{"b":null}],"d":"2026-11-23T06:47:22Z"}`},
		{"a\u0000\u001f\"\\/\n\u0085\u2028é✓<>&'", `"\"a\\u0000\\u001f\\\"\\\\/\\n\\u0085\\u2028é✓<>&'\""`},
	} {
		if got := string(encode(c.value)); got != c.want {
			t.Errorf("%T %v:\n got %s\nwant %s", c.value, c.value, got, c.want)
		}
	}
}

func TestFloatsAsDotNetWritesThem(t *testing.T) {
	for v, want := range map[float64]string{1e15: "1E+15", 123456789012345680: "1.2345678901234568E+17", 999999999999999: "999999999999999.0",
		0.0001: "0.0001", 0.00001: "1E-05", -0.5: "-0.5", math.Inf(1): `"Infinity"`} {
		if got := netFloat(v, 64, true); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}

func TestPollution(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{`{"A":true,"B":1.50,"C":"2026-11-23T12:00:00Z","D":null,"E":[1],"F":"x","G":2.0,"H":99999999999999999999}`,
			`{"LockToken":"\"real\"","A":"\"True\"","B":"\"1.5\"","C":"\"11/23/2026 12:00:00\"","F":"\"x\"","G":"\"2\"","H":"\"99999999999999999999\""}`},
		{`{"LOCKTOKEN":"fake"}`, `{"LockToken":"\"fake\""}`},
		{`{"MyTrigger":"x","o":{"d":"2026-11-23T12:00:00.500Z","n":1.0}}`, `{"LockToken":"\"real\"","o":{"d":"2026-11-23T12:00:00.5Z","n":1.0}}`},
		{`{"a":1,"a":2}`, `{"LockToken":"\"real\"","a":"\"2\""}`},
		{`{"a":1}x`, `{"LockToken":"\"real\""}`},
		{`[1]`, `{"LockToken":"\"real\""}`},
		{`{"a":`, `{"LockToken":"\"real\""}`},
	} {
		d := &bindingData{}
		d.set("LockToken", "real")
		d.pollute(c.body)
		if got := string(d.bytes()); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.body, got, c.want)
		}
	}
}

func TestTimeSpans(t *testing.T) {
	for text, want := range map[string]time.Duration{"00:05:00": 5 * time.Minute, "1.02:03:04.5": 26*time.Hour + 3*time.Minute + 4500*time.Millisecond,
		"-00:00:01": -time.Second, "23:59": 23*time.Hour + 59*time.Minute} {
		if got, err := parseTimeSpan(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "5", "24:00:00", "00:60:00", "5m", "PT5M"} {
		if got, err := parseTimeSpan(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
