package environment

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"

	"crosswalk/shared/schema"
)

// SalesforceIdentity is the connected app that reads the metadata. It proves itself by ClientSecret (client credentials
// flow) or, where Key is set, by a signed assertion for Username (JWT bearer flow).
type SalesforceIdentity struct {
	ClientID, ClientSecret string
	Username               string
	// Key signs the assertion, RS256; its certificate is the one uploaded to the connected app.
	Key *rsa.PrivateKey
	// Audience is https://login.salesforce.com, also where it is "", or https://test.salesforce.com for a sandbox.
	Audience string
}

// SalesforceOptions change how Salesforce is called; nil means none.
type SalesforceOptions struct {
	// Transport sends requests; nil means an http.Client.
	Transport policy.Transporter
	// Now is the clock of assertions; nil means time.Now.
	Now func() time.Time
}

// salesforceVersion is the version of the REST API whose describe result is read.
const salesforceVersion = "v64.0"

// Salesforce reads the metadata of one Salesforce organisation. It only reads.
type Salesforce struct {
	baseURL  string
	pipeline runtime.Pipeline
}

// NewSalesforce returns a client of an organisation; baseURL is its My Domain, such as https://contoso.my.salesforce.com.
func NewSalesforce(baseURL string, identity SalesforceIdentity, o *SalesforceOptions) (*Salesforce, error) {
	u, err := url.Parse(strings.TrimRight(baseURL, "/"))
	if err != nil || u.Scheme != "https" || u.Host == "" || u.Path != "" {
		return nil, errors.New("SALESFORCE_URL wants an address such as https://contoso.my.salesforce.com")
	}
	if identity.ClientID == "" || identity.ClientSecret == "" && (identity.Key == nil || identity.Username == "") {
		return nil, errors.New("SALESFORCE_CLIENT_ID is needed, with SALESFORCE_CLIENT_SECRET, or with SALESFORCE_USERNAME and SALESFORCE_KEY_PATH")
	}
	if identity.Audience == "" {
		identity.Audience = "https://login.salesforce.com"
	}
	options := SalesforceOptions{}
	if o != nil {
		options = *o
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	session := &salesforceSession{url: u.String() + "/services/oauth2/token", identity: identity, now: options.Now}
	client := policy.ClientOptions{Transport: options.Transport, Retry: policy.RetryOptions{MaxRetries: 2, RetryDelay: time.Second}}
	session.pipeline = runtime.NewPipeline("crosswalk", "", runtime.PipelineOptions{}, &client)
	pipeline := runtime.NewPipeline("crosswalk", "", runtime.PipelineOptions{PerRetry: []policy.Policy{session}}, &client)
	return &Salesforce{u.String(), pipeline}, nil
}

// salesforceSession is a policy that puts the session id into requests, and a new one where Salesforce has ended it. The
// answer to a JWT bearer has no refresh token: signing again is the way.
type salesforceSession struct {
	url      string
	identity SalesforceIdentity
	now      func() time.Time
	pipeline runtime.Pipeline

	mu sync.Mutex
	id string
}

// Do implements policy.Policy.
func (s *salesforceSession) Do(r *policy.Request) (*http.Response, error) {
	id, err := s.current(r.Raw().Context(), "")
	if err != nil {
		return nil, err
	}
	r.Raw().Header.Set("Authorization", "Bearer "+id)
	answer, err := r.Next()
	if err != nil || answer.StatusCode != http.StatusUnauthorized {
		return answer, err
	}
	runtime.Drain(answer)
	if id, err = s.current(r.Raw().Context(), id); err != nil {
		return nil, err
	}
	r.Raw().Header.Set("Authorization", "Bearer "+id)
	if err := r.RewindBody(); err != nil {
		return nil, err
	}
	return r.Next()
}

// current returns a session id other than the ended one.
func (s *salesforceSession) current(ctx context.Context, ended string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.id != "" && s.id != ended {
		return s.id, nil
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {s.identity.ClientID}, "client_secret": {s.identity.ClientSecret}}
	if s.identity.Key != nil {
		assertion, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.RegisteredClaims{
			Issuer: s.identity.ClientID, Subject: s.identity.Username, Audience: jwt.ClaimStrings{s.identity.Audience},
			ExpiresAt: jwt.NewNumericDate(s.now().Add(3 * time.Minute)),
		}).SignedString(s.identity.Key)
		if err != nil {
			return "", errors.New("the assertion for Salesforce can't be signed")
		}
		form = url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	}
	r, err := runtime.NewRequest(ctx, http.MethodPost, s.url)
	if err != nil {
		return "", err
	}
	if err := r.SetBody(noClose{strings.NewReader(form.Encode())}, "application/x-www-form-urlencoded"); err != nil {
		return "", err
	}
	var token struct {
		ID    string `json:"access_token"`
		Error string `json:"error"`
	}
	status, err := answerOf(s.pipeline, r, &token)
	if err != nil {
		return "", err
	}
	if status != http.StatusOK || token.ID == "" {
		return "", fmt.Errorf("Salesforce gives no token: HTTP %d %s", status, code(token.Error))
	}
	s.id = token.ID
	return s.id, nil
}

type noClose struct{ io.ReadSeeker }

func (noClose) Close() error { return nil }

// code keeps of an error code what a code may hold, so that nothing else of an answer reaches an error's text.
func code(text string) string {
	if !isName(text) || len(text) > 60 {
		return ""
	}
	return text
}

// answerOf sends a request and decodes the answer, which is JSON whatever its status.
func answerOf(p runtime.Pipeline, r *policy.Request, into any) (status int, err error) {
	ctx, cancel := context.WithTimeout(r.Raw().Context(), timeout)
	defer cancel()
	answer, err := p.Do(r.WithContext(ctx))
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if err := json.UnmarshalRead(io.LimitReader(answer.Body, maxAnswer), into); err != nil {
		return answer.StatusCode, fmt.Errorf("Salesforce answers HTTP %d with what is no JSON of the expected form", answer.StatusCode)
	}
	return answer.StatusCode, nil
}

// described is an object's describe result, as far as a snapshot needs it; its members are those of the REST API's sObject
// Describe.
type described struct {
	Name   string           `json:"name"`
	Label  string           `json:"label"`
	Fields []describedField `json:"fields"`
}

type describedField struct {
	Name              string   `json:"name"`
	Label             string   `json:"label"`
	Type              string   `json:"type"`
	Length            int      `json:"length"`
	Digits            int      `json:"digits"`
	Precision         int      `json:"precision"`
	Scale             int      `json:"scale"`
	Nillable          bool     `json:"nillable"`
	DefaultedOnCreate bool     `json:"defaultedOnCreate"`
	Createable        bool     `json:"createable"`
	Updateable        bool     `json:"updateable"`
	ExternalID        bool     `json:"externalId"`
	Unique            bool     `json:"unique"`
	Restricted        bool     `json:"restrictedPicklist"`
	ReferenceTo       []string `json:"referenceTo"`
	PicklistValues    []struct {
		Active bool   `json:"active"`
		Label  string `json:"label"`
		Value  string `json:"value"`
	} `json:"picklistValues"`
}

// refusals is how Salesforce says no: a list of errors.
type refusals []struct {
	Code string `json:"errorCode"`
}

// describeAnswer is either of both.
type describeAnswer struct {
	described
	refusals
}

// UnmarshalJSON tells an object from a list.
func (a *describeAnswer) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '[' {
		return json.Unmarshal(data, &a.refusals)
	}
	return json.Unmarshal(data, &a.described)
}

// Pull reads an object by its API name, such as Account or Invoice__c. old is the snapshot there was, or nil; label isn't
// used.
func (c *Salesforce) Pull(ctx context.Context, object, _ string, old *schema.Document) (*Pulled, error) {
	if !isName(object) {
		return nil, fmt.Errorf("%q is no object's API name: letters, digits and _ only", object)
	}
	r, err := runtime.NewRequest(ctx, http.MethodGet, c.baseURL+"/services/data/"+salesforceVersion+"/sobjects/"+object+"/describe")
	if err != nil {
		return nil, err
	}
	r.Raw().Header.Set("Accept", "application/json")
	var answer describeAnswer
	status, err := answerOf(c.pipeline, r, &answer)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK || answer.Name == "" {
		said := ""
		if len(answer.refusals) > 0 {
			said = code(answer.refusals[0].Code)
		}
		if status == http.StatusNotFound {
			return nil, fmt.Errorf("no object %s in Salesforce, or none that the connected app's user may see; its API name is needed, such as Account or Invoice__c", object)
		}
		return nil, fmt.Errorf("Salesforce doesn't describe %s: HTTP %d %s", object, status, said)
	}
	p, err := newPull(object, old)
	if err != nil {
		return nil, err
	}
	p.object(answer.described)
	return p.sorted(), nil
}

// object makes the snapshot of a described object.
func (p *pull) object(d described) {
	e := &schema.Entity{System: schema.Salesforce, Name: d.Name, DisplayName: p.displayName(d.Label, p.old.DisplayName, ""), Set: d.Name, PrimaryKey: []string{"Id"}}
	for _, f := range d.Fields {
		c, ok := p.salesforceField(f)
		if !ok {
			continue
		}
		e.Columns = append(e.Columns, c)
		switch {
		case f.ExternalID && f.Unique:
			e.AlternateKeys = append(e.AlternateKeys, []string{f.Name})
		case f.ExternalID:
			p.pulled.Notes = append(p.pulled.Notes, "external id "+f.Name+" isn't unique, so it is no key: an upsert by it can find several records")
		}
	}
	slices.SortFunc(e.Columns, func(a, b schema.Column) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(e.AlternateKeys, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	p.pulled.Document = &schema.Document{Entity: e}
}

// salesforceField makes a column. It is false for what a snapshot can't hold.
func (p *pull) salesforceField(f describedField) (schema.Column, bool) {
	c := schema.Column{Name: f.Name, Type: f.Type, Kind: schema.KindOf(f.Type), ReadOnly: !f.Createable && !f.Updateable, NotNull: !f.Nillable}
	old, _ := p.before(f.Name)
	c.DisplayName = p.displayName(f.Label, old.DisplayName, f.Name)
	if f.DefaultedOnCreate {
		c.Default = "new"
	}
	if !f.Nillable && !f.DefaultedOnCreate && f.Createable {
		c.Required = schema.SystemRequired
	}
	switch c.Kind {
	case schema.Unknown:
		return c, p.leaveOut(f.Name, f.Type)
	case schema.Text:
		c.MaxLength = f.Length
	case schema.Integer:
		c.Min, c.Max = bounds(f.Digits, 0)
	case schema.Number:
		c.Precision = f.Scale
		c.Min, c.Max = bounds(f.Precision, f.Scale)
	case schema.Time:
		c.DateOnly = f.Type == "date"
	case schema.Reference:
		if c.Targets = f.ReferenceTo; len(c.Targets) == 0 {
			return c, p.leaveOut(f.Name, f.Type+" to nothing")
		}
	case schema.Choice:
		for _, v := range f.PicklistValues {
			if v.Active {
				c.Options = append(c.Options, schema.Option{Value: v.Value, Label: v.Label})
			}
		}
		if len(c.Options) == 0 {
			return c, p.leaveOut(f.Name, f.Type+" without values")
		}
		if !f.Restricted {
			p.pulled.Notes = append(p.pulled.Notes, "picklist "+f.Name+" isn't restricted: Salesforce takes other values too, a contract doesn't")
		}
	}
	return c, true
}

// bounds returns the smallest and the largest number of so many digits, of which places stand behind the point; "" for an
// unknown number.
func bounds(digits, places int) (low, high string) {
	if digits <= 0 || places < 0 || places > digits {
		return "", ""
	}
	high = strings.Repeat("9", digits-places)
	if high == "" {
		high = "0"
	}
	if places > 0 {
		high += "." + strings.Repeat("9", places)
	}
	return "-" + high, high
}
