package fno

import (
	"mime"
	"net/http"
	"net/url"
	"strings"

	"crosswalk/local/systems/odata"
	"crosswalk/local/systems/traffic"
)

// root is where the OData endpoint lives.
const root = "/data/"

// call is one request on its way through.
type call struct {
	s *Simulator
	w http.ResponseWriter
	r *http.Request
	// options are the query string's.
	options url.Values
	// crossCompany is cross-company=true: rows of all companies are seen.
	crossCompany bool
	// edit marks a person's request; see Edit.
	edit bool
}

func (s *Simulator) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("OData-Version", "4.0")
	c := &call{s: s, w: w, r: r}
	bad := c.admit()
	if bad == nil {
		bad = c.route()
	}
	if bad != nil {
		bad.write(w)
	}
}

// Edit does one request as a person in the system would: the same checks, but without a token, and neither faults nor hooks
// nor the request log know of it. path is below /data/: Edit("PATCH",
// "CustomersV3(dataAreaId='usmf',CustomerAccount='US-001')", …). All companies are seen.
func (s *Simulator) Edit(method, path string, body []byte) (status int, answer []byte) {
	return traffic.Do(method, root+path, body, func(w http.ResponseWriter, r *http.Request) {
		c := &call{s: s, w: w, r: r, edit: true}
		if bad := c.route(); bad != nil {
			bad.write(w)
		}
	})
}

// admit checks token, user and headers. Whether F&O says 401 or 403 to a client id that is mapped to no user is
// UNCONFIRMED; public captures have 401.
func (c *call) admit() *refusal {
	appID, err := c.s.o.Authorize(c.r)
	if err != nil || !(*c.s.users.Load())[strings.ToLower(appID)] {
		c.w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="The token is missing, expired, not for this resource, or its application is mapped to no user."`)
		return &refusal{http.StatusUnauthorized, "Unauthorized", "", ""}
	}
	if c.r.Method == http.MethodPost || c.r.Method == http.MethodPatch {
		if kind, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type")); kind != "application/json" {
			return &refusal{http.StatusUnsupportedMediaType, "The request entity's media type is not supported for this resource. Send Content-Type: application/json.", "", ""}
		}
	}
	if v := c.r.Header.Get("OData-MaxVersion"); v != "" && v != "4.0" && v != "4.01" {
		return badPayload("The OData-MaxVersion header '%s' isn't supported; it must be 4.0.", v)
	}
	return nil
}

func (c *call) route() *refusal {
	rest, ok := strings.CutPrefix(c.r.URL.EscapedPath(), root)
	if !ok {
		return noSet(strings.Trim(c.r.URL.Path, "/"))
	}
	path, err := odata.ParsePath(rest)
	if err != nil {
		return badPayload("%s", err)
	}
	if c.options, err = url.ParseQuery(c.r.URL.RawQuery); err != nil {
		return badPayload("The query string isn't well formed.")
	}
	c.crossCompany = c.edit || strings.EqualFold(c.options.Get("cross-company"), "true")
	if len(path) == 0 || strings.HasPrefix(path[0].Name, "$") {
		return c.describe(path)
	}
	e := c.s.sets[path[0].Name]
	if e == nil {
		return noSet(path[0].Name)
	}
	if len(path) == 2 && path[1].Name == "$count" && path[0].Key == nil && c.r.Method == http.MethodGet {
		return c.countOnly(e)
	}
	if len(path) > 1 {
		return notSimulated("A path below a row (" + path[1].Name + ")")
	}
	if path[0].Key == nil {
		switch c.r.Method {
		case http.MethodGet:
			return c.list(e)
		case http.MethodPost:
			return c.create(e)
		}
		return notAllowed(c.r.Method)
	}
	key, bad := readKey(e, path[0].Key)
	if bad != nil {
		return bad
	}
	switch c.r.Method {
	case http.MethodGet:
		return c.get(e, key)
	case http.MethodPatch:
		return c.update(e, key)
	case http.MethodDelete:
		return c.delete(e, key)
	}
	return notAllowed(c.r.Method)
}

// readKey returns a key's values as text in the key's order. All key properties must be there, by name; one alone may be
// given by value.
func readKey(e *entity, parts []odata.KeyPart) ([]string, *refusal) {
	key := make([]string, len(e.key))
	seen := 0
	for _, part := range parts {
		name := part.Name
		if name == "" && len(parts) == 1 && len(e.key) == 1 {
			name = e.key[0]
		}
		for i, want := range e.key {
			if want != name || key[i] != "" {
				continue
			}
			if !odata.Fits(e.byName[want].literal(), part.Value) || part.Value.Text == "" {
				return nil, badPayload("The key value of '%s' isn't of the property's type.", want)
			}
			key[i] = e.byName[want].canonical(part.Value.Text)
			seen++
		}
	}
	if seen != len(e.key) || len(parts) != len(e.key) {
		return nil, badPayload("The key of '%s' must name all of %s.", e.set, strings.Join(e.key, ", "))
	}
	return key, nil
}

// literal is the kind of literal that a property is compared with.
func (p *property) literal() odata.Kind {
	switch p.kind {
	case "String":
		return odata.String
	case "DateTimeOffset":
		return odata.Date
	case "Guid":
		return odata.GUID
	case "Enum":
		return odata.Enum
	}
	return odata.Number
}

// before and after tell the hooks of a write, unless it is a person's.
func (c *call) before(w traffic.Write) {
	if !c.edit {
		c.s.BeforeCommit(w)
	}
}

func (c *call) after(w traffic.Write) {
	if !c.edit {
		c.s.AfterCommit(w)
	}
}

// sees tells whether a request may see a company's rows.
func (c *call) sees(company string) bool {
	return c.crossCompany || company == "" || strings.EqualFold(company, DefaultCompany)
}

func (c *call) base() string {
	scheme := "http://"
	if c.r.TLS != nil {
		scheme = "https://"
	}
	return scheme + c.r.Host + root
}
