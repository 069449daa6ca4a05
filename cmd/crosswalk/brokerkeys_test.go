package main

import (
	"slices"
	"strings"
	"testing"

	"crosswalk/local/servicebus/access"
)

func TestKeyFlagsAreReadAndTheirFaultsNamed(t *testing.T) {
	got, err := parseKeys([]string{"sender:c2VjcmV0:send", "both:YQ==:send,listen"})
	want := []access.Key{{Name: "sender", Key: "c2VjcmV0", Rights: access.Send}, {Name: "both", Key: "YQ==", Rights: access.Send | access.Listen}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for flag, says := range map[string]string{"sender": "NAME:VALUE:RIGHTS", "sender:topsecret": "NAME:VALUE:RIGHTS", ":topsecret:send": "NAME", "sender:topsecret:sned": `"sned" is no right`} {
		if _, err := parseKeys([]string{flag}); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("--key %s: %v", flag, err)
		}
	}
}
