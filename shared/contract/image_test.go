package contract

import (
	"strings"
	"testing"
)

const imageToTable = `purpose: p
team: t
pair: x
owner: dataverse
from: {system: dataverse, entity: source, event: dataverse.source.*, state: image}
to: {system: dataverse, entity: target, key: [id]}
fields:
  id: {from: id, blank: reject}
`

// image is an execution context with a post-image of these attributes, in the shape of Dataverse's own documentation.
func image(attributes string) string {
	return `{"MessageName":"Update","InputParameters":[{"key":"Target","value":{"Attributes":[{"key":"text","value":"only what changed"}]}}],"PrimaryEntityName":"source",
		"PostEntityImages":[{"key":"PostImage","value":{"Attributes":[{"key":"id","value":"1"}` + attributes + `],"Id":"6d81597f-0f9f-4711-8122-000d3aa2331c","LogicalName":"source"}}],"PreEntityImages":[]}`
}

func TestImage(t *testing.T) {
	const ref = `{"__type":"EntityReference:http://schemas.microsoft.com/xrm/2011/Contracts","Id":"75c2dd85-e89e-4711-8122-000d3aa2331c","KeyAttributes":[],"LogicalName":"target","Name":null}`
	for _, tt := range []struct{ field, attributes, want string }{
		{`text: {from: text}`, `,{"key":"text","value":"José"}`, `text="José"`},
		{`text: {from: text}`, `,{"value":"\u00e9","key":"te\u0078t"}`, `text="é"`},
		{`text: {from: text}`, `,{"key":"text","value":null}`, `text=null`},
		{`text: {from: text}`, ``, `image-incomplete: text (from text)`},
		{`text: {from: text, blank: null}`, ``, `image-incomplete: text (from text)`},
		{`text: {from: text, blank: {absent: null}}`, ``, `text=null`},
		{`text: {from: text, blank: {absent: skip, null: null}}`, ``, `-`},
		{`money: {from: amount}`, `,{"key":"amount","value":{"__type":"Money","Value":9007199254740993.0001}}`, `out-of-range: money (from amount)`},
		{`money: {from: amount}`, `,{"key":"amount","value":{"__type":"Money","Value":12.5000}}`, `money=12.5000`},
		{`terms: {from: terms}`, `,{"key":"terms","value":{"__type":"OptionSetValue","Value":2}}`, `terms=2`},
		{`at: {from: changed}`, `,{"key":"changed","value":"/Date(1782925000123)/"}`, `at="2026-07-01T16:56:40Z"`},
		{`hold: {from: hold}`, `,{"key":"hold","value":true}`, `hold=true`},
		{`guid: {from: parentid}`, `,{"key":"parentid","value":` + ref + `}`, `guid="75c2dd85-e89e-4711-8122-000d3aa2331c"`},
		{`terms: {from: terms}`, `,{"key":"terms","value":[{"Value":1},{"Value":2}]}`, `image-incomplete: terms (from terms)`},
	} {
		if got := outcome(testPlan(t, imageToTable, tt.field), image(tt.attributes)); got != tt.want {
			t.Errorf("%s with %s\n gives %s\n  want %s", tt.field, tt.attributes, got, tt.want)
		}
	}
	p := testPlan(t, imageToTable, `text: {from: text}`)
	for name, context := range map[string]string{
		"too large, so stripped": `{"MessageName":"Update","PrimaryEntityName":"source"}`,
		"registered without":     strings.Replace(image(""), `"PostEntityImages":[`, `"PostEntityImages":[],"Other":[`, 1),
	} {
		if got := outcome(p, context); got != "image-incomplete: PostEntityImages" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := outcome(p, `{"PostEntityImages":[`); !strings.HasPrefix(got, "malformed-json") {
		t.Errorf("malformed: %s", got)
	}
	steps, err := p.Trace([]byte(image(`,{"key":"text","value":"a"}`)))
	if err != nil || stepText(steps[1]) != `text="a"() writes "a"` {
		t.Errorf("the trace: %v, %v", steps, err)
	}
}
