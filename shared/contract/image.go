package contract

import (
	"sync"

	"crosswalk/shared/fault"
	"crosswalk/shared/slots"

	"github.com/go-json-experiment/json/jsontext"
)

// imageSlots are the places of a post-image in a Dataverse execution context: PostEntityImages is a list of {key, value}, the
// value an Entity, whose Attributes are a list of {key, value} again.
type imageSlots struct {
	root                   *slots.Row
	images, attributes     int
	name, value, id, plain int
}

var imageRow = sync.OnceValue(func() *imageSlots {
	s := &imageSlots{root: slots.NewRow()}
	var image, attribute *slots.Row
	s.images, image = s.root.List("PostEntityImages")
	s.attributes, attribute = image.List("value", "Attributes")
	s.name, s.value = attribute.Value("key"), attribute.Value("value")
	s.id, s.plain = attribute.Value("value", "Id"), attribute.Value("value", "Value")
	return s
})

var ofImages workspaces

// rowOfImage returns the post-images of an execution context as one row in the form in which the Web API returns it: options
// and amounts as plain values, lookups as _<column>_value. Values of other types (several options, parties) are left out.
//
// Whether Dataverse leaves columns without a value out of an image is UNCONFIRMED, so a column that isn't there is never taken
// for an empty one: see [blankIncomplete].
func rowOfImage(context []byte) ([]byte, error) {
	s := ofImages.take()
	defer s.release()
	at := imageRow()
	if err := s.scan(context, at.root); err != nil {
		return nil, err
	}
	if s.Slots()[at.images].Kind != slots.List {
		return nil, fault.Reject(imageIncomplete, "PostEntityImages", "the event carries no image: it was too large, or the step was registered without one")
	}
	out, seen := []byte{'{'}, map[string]bool{}
	for image := range s.Rows(&s.Slots()[at.images]) {
		if image[at.attributes].Kind != slots.List {
			continue
		}
		for attribute := range s.Rows(&image[at.attributes]) {
			name, value := attribute[at.name].Text(), &attribute[at.value]
			switch {
			case value.Kind == slots.Object && attribute[at.id].Kind == slots.String:
				name, value = lookupProperty(name), &attribute[at.id]
			case value.Kind == slots.Object && attribute[at.plain].Raw != nil:
				value = &attribute[at.plain]
			}
			if name == "" || seen[name] || value.Raw == nil || value.Kind == slots.Object || value.Kind == slots.List {
				continue
			}
			seen[name] = true
			if len(out) > 1 {
				out = append(out, ',')
			}
			out, _ = jsontext.AppendQuote(out, name) // a text of the scanner is well formed
			out = append(append(out, ':'), value.Raw...)
		}
	}
	if len(seen) == 0 {
		return nil, fault.Reject(imageIncomplete, "PostEntityImages", "the event carries no image: it was too large, or the step was registered without one")
	}
	return append(out, '}'), nil
}

// load reads a source record into w.
func (p *Plan) load(w *workspace, src []byte) error {
	if p.From.State == StateImage {
		row, err := rowOfImage(src)
		if err != nil {
			return err
		}
		src = row
	}
	return w.scan(src, p.root)
}

// imageIncomplete is the reason of a record whose image lacks a column that the contract maps.
const imageIncomplete = "image-incomplete"
