package atom

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// The namespaces of what travels.
const (
	nsAtom       = "http://www.w3.org/2005/Atom"
	nsServiceBus = "http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"
	nsCounts     = "http://schemas.microsoft.com/netservices/2011/06/servicebus"
	nsInstance   = "http://www.w3.org/2001/XMLSchema-instance"
	nsSchema     = "http://www.w3.org/2001/XMLSchema"
)

// maxBody bounds the body of a request in bytes.
const maxBody = 1 << 20

// neverAccessed is how the service writes the time of what never happened.
const neverAccessed = "0001-01-01T00:00:00"

// timestamp writes a time as the service does.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return neverAccessed
	}
	return t.UTC().Format("2006-01-02T15:04:05.9999999Z")
}

// entry is an entity in its Atom envelope.
type entry struct {
	XMLName   xml.Name `xml:"http://www.w3.org/2005/Atom entry"`
	ID        string   `xml:"id"`
	Title     title    `xml:"title"`
	Published string   `xml:"published,omitempty"`
	Updated   string   `xml:"updated"`
	Author    author   `xml:"author"`
	Link      link     `xml:"link"`
	Content   content  `xml:"content"`
}

type title struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

type author struct {
	Name string `xml:"name"`
}

type link struct {
	Rel  string `xml:"rel,attr"`
	HREF string `xml:"href,attr"`
}

// content holds one description.
type content struct {
	Type        string `xml:"type,attr"`
	Description any
}

type feed struct {
	XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
	Title   title    `xml:"title"`
	ID      string   `xml:"id"`
	Updated string   `xml:"updated"`
	Links   []link   `xml:"link"`
	Entries []entry
}

// address is the URL of a path at the host that a request named.
func address(r *http.Request, path string) string {
	return fmt.Sprintf("https://%s/%s?api-version=%s", r.Host, path, r.URL.Query().Get("api-version"))
}

func (h *Handler) entry(r *http.Request, path, name string, created, updated time.Time, description any) entry {
	e := entry{
		ID: address(r, path), Title: title{"text", name}, Updated: timestamp(updated),
		Author: author{h.o.Namespace}, Link: link{"self", address(r, path)},
		Content: content{Type: "application/xml", Description: description},
	}
	if !created.IsZero() {
		e.Published = timestamp(created)
	}
	return e
}

// writeFeed answers with entries, and a link to the next page where there is one: the JavaScript client asks for that.
func (h *Handler) writeFeed(w http.ResponseWriter, r *http.Request, path, name string, entries []entry, next ...link) error {
	return h.write(w, r, http.StatusOK, "feed", feed{
		Title: title{"text", name}, ID: address(r, path), Updated: timestamp(h.o.Now()),
		Links: append([]link{{"self", address(r, path)}}, next...), Entries: entries,
	})
}

// writeMissing answers a GET for what isn't there: not with 404 but with a list of nothing.
func (h *Handler) writeMissing(w http.ResponseWriter, r *http.Request, path string) error {
	return h.writeFeed(w, r, path, "Publicly Listed Services", nil)
}

// plain undoes the character references that .NET's writer doesn't make in text: the JavaScript client doesn't decode them.
var plain = strings.NewReplacer("&#39;", "'", "&#34;", `"`, "&#x9;", "\t", "&#xA;", "\n")

func (h *Handler) write(w http.ResponseWriter, _ *http.Request, code int, kind string, body any) error {
	encoded, err := xml.Marshal(body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/atom+xml;type="+kind+";charset=utf-8")
	w.WriteHeader(code)
	_, _ = plain.WriteString(w, string(encoded)) // who went away doesn't read the answer
	return nil
}

// read reads the description in the entry of a request.
func read[T any](r *http.Request) (*T, error) {
	var envelope struct {
		XMLName xml.Name `xml:"http://www.w3.org/2005/Atom entry"`
		Content struct {
			Description *T `xml:",any"`
		} `xml:"content"`
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "SubCode=40000. The body can't be read: %v", err)
	}
	if len(body) > maxBody {
		return nil, refuse(http.StatusRequestEntityTooLarge, "SubCode=41300. The body is larger than %d bytes", maxBody)
	}
	if err := xml.Unmarshal(body, &envelope); err != nil {
		return nil, refuse(http.StatusBadRequest, "SubCode=40000. Bad Request. The body is no entry with a description: %v", err)
	}
	if envelope.Content.Description == nil {
		return nil, refuse(http.StatusBadRequest, "SubCode=40000. Bad Request. The entry has no description")
	}
	return envelope.Content.Description, nil
}

// kind is the attribute i:type.
type kind string

// MarshalXMLAttr writes the attribute with the prefix that the service uses: the JavaScript client looks for it by that.
func (k kind) MarshalXMLAttr(xml.Name) (xml.Attr, error) {
	return xml.Attr{Name: xml.Name{Local: "i:type"}, Value: string(k)}, nil
}
