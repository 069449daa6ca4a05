package dataverse

import (
	"mime"
	"net/http"
	"strings"

	"crosswalk/local/systems/odata"
	"crosswalk/local/systems/traffic"
)

// root is where the Web API of this version lives.
const root = "/api/data/v9.2/"

// call is one request on its way through.
type call struct {
	s *Simulator
	w http.ResponseWriter
	r *http.Request
	// user is the caller's systemuserid.
	user string
	// prefer holds the header Prefer's preferences by name, in lower case.
	prefer map[string]string
	// edit marks a person's request; see Edit.
	edit bool
}

func (s *Simulator) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("OData-Version", "4.0")
	c := &call{s: s, w: w, r: r, prefer: preferences(r.Header)}
	bad := c.admit()
	if bad == nil {
		bad = c.route()
	}
	if bad != nil {
		bad.write(w)
	}
}

// Edit does one request as a person in the system would: the same checks, but without a token, and neither faults nor hooks
// nor the request log know of it. path is below /api/data/v9.2/: Edit("PATCH", "accounts(accountnumber='US-001')", …).
func (s *Simulator) Edit(method, path string, body []byte) (status int, answer []byte) {
	return traffic.Do(method, root+path, body, func(w http.ResponseWriter, r *http.Request) {
		c := &call{s: s, w: w, r: r, user: person, edit: true}
		if bad := c.route(); bad != nil {
			bad.write(w)
		}
	})
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

// admit checks token, user and headers.
func (c *call) admit() *refusal {
	appID, err := c.s.o.Authorize(c.r)
	if err != nil {
		// UNCONFIRMED: the real challenge's authorization_uri names the tenant's authority as well.
		c.w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="The token is missing, expired or not for this resource."`)
		return &refusal{http.StatusUnauthorized, "", "Unauthorized"}
	}
	user, ok := (*c.s.users.Load())[strings.ToLower(appID)]
	if !ok {
		return &refusal{http.StatusForbidden, codeNoUser, "The user is not a member of the organization."}
	}
	c.user = user
	return checkHeaders(c.r)
}

func checkHeaders(r *http.Request) *refusal {
	if v := r.Header.Get("OData-Version"); v != "" && v != "4.0" {
		return badRequest(codeQuery, "The OData-Version header '%s' isn't supported; it must be 4.0.", v)
	}
	if v := r.Header.Get("OData-MaxVersion"); v != "" && v != "4.0" && v != "4.01" {
		return badRequest(codeQuery, "The OData-MaxVersion header '%s' isn't supported; it must be 4.0.", v)
	}
	if a := r.Header.Get("Accept"); a != "" && !acceptsJSON(a) && !strings.HasSuffix(r.URL.Path, "/$metadata") {
		return &refusal{http.StatusUnsupportedMediaType, codeQuery, "A supported MIME type could not be found that matches the acceptable MIME types for the request."}
	}
	if r.Method == http.MethodPost || r.Method == http.MethodPatch {
		if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
			return &refusal{http.StatusUnsupportedMediaType, codePayload, "A supported MIME type could not be found that matches the content type of the request. Send Content-Type: application/json."}
		}
	}
	return nil
}

func acceptsJSON(accept string) bool {
	for _, one := range strings.Split(accept, ",") {
		switch kind, _, _ := mime.ParseMediaType(strings.TrimSpace(one)); kind {
		case "application/json", "application/*", "*/*":
			return true
		}
	}
	return false
}

// preferences reads the header Prefer: return=representation, odata.include-annotations="*".
func preferences(h http.Header) map[string]string {
	out := map[string]string{}
	for _, line := range h.Values("Prefer") {
		for _, one := range strings.Split(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(one), "=")
			out[strings.ToLower(name)] = strings.Trim(value, `"`)
		}
	}
	return out
}

func (c *call) route() *refusal {
	rest, ok := strings.CutPrefix(c.r.URL.EscapedPath(), root)
	if !ok {
		return noSegment(strings.Trim(c.r.URL.Path, "/"))
	}
	path, err := odata.ParsePath(rest)
	if err != nil {
		return badRequest(codeQuery, "Bad Request - Error in query syntax: %s", err)
	}
	if len(path) == 0 || strings.HasPrefix(path[0].Name, "$") || path[0].Name == "EntityDefinitions" || path[0].Name == "WhoAmI" {
		return c.describe(path)
	}
	t := c.s.sets[path[0].Name]
	if t == nil {
		return noSegment(path[0].Name)
	}
	if len(path) > 1 {
		return notSimulated("A path below a row (" + path[1].Name + ")")
	}
	if path[0].Key == nil {
		switch c.r.Method {
		case http.MethodGet:
			return c.list(t)
		case http.MethodPost:
			return c.create(t)
		}
		return notAllowed(c.r.Method)
	}
	a, bad := c.s.address(t, path[0].Key)
	if bad != nil {
		return bad
	}
	switch c.r.Method {
	case http.MethodGet:
		return c.get(a)
	case http.MethodPatch:
		return c.upsert(a)
	case http.MethodDelete:
		return c.delete(a)
	}
	return notAllowed(c.r.Method)
}

// base is the Web API's root as the caller named it.
func (c *call) base() string {
	scheme := "http://"
	if c.r.TLS != nil {
		scheme = "https://"
	}
	return scheme + c.r.Host + root
}
