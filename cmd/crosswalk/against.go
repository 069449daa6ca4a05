package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"crosswalk/handlers/flow"
	"crosswalk/local/stack"
	"crosswalk/shared/contract"
	"crosswalk/shared/dataverse"
	"crosswalk/shared/finops"
	"crosswalk/shared/link"
	"crosswalk/shared/odata"
	"crosswalk/shared/schema"
)

// endpointsFile is where `crosswalk run` leaves the addresses of what it has started, below the project's root.
const endpointsFile = ".bin/endpoints.json"

// target is the part of a flow's target that a comparison needs. It only reads.
type target interface {
	Find(ctx context.Context, r *contract.Record) (link.Row, error)
	Compare(ctx context.Context, row link.Row, r *contract.Record) ([]contract.Difference, error)
}

// comparison is what the target holds of a record now, and what would become of it.
type comparison struct {
	// exists is false where the record's key finds no row.
	exists bool
	fields []contract.Difference
}

// changes reports whether a write would change anything.
func (c *comparison) changes() bool {
	for _, d := range c.fields {
		if !d.Same {
			return true
		}
	}
	return !c.exists
}

// against looks every accepted trial's record up in the target of the running local stack. Nothing is written.
func against(ctx context.Context, file string, plan *contract.Plan, trials []trial) error {
	to, err := localTarget(file, plan)
	if err != nil {
		return err
	}
	for i := range trials {
		t := &trials[i]
		if t.record == nil || t.fault != nil {
			continue
		}
		row, err := to.Find(ctx, t.record)
		switch {
		case errors.Is(err, link.ErrNotFound):
			t.against = &comparison{}
			for _, v := range t.record.Fields() {
				t.against.fields = append(t.against.fields, contract.Difference{Value: v})
			}
			continue
		case err != nil:
			return fmt.Errorf("read the row of %s %s: %w", plan.To.System, plan.To.Entity, err)
		}
		fields, err := to.Compare(ctx, row, t.record)
		if err != nil {
			return fmt.Errorf("compare the row of %s %s: %w", plan.To.System, plan.To.Entity, err)
		}
		t.against = &comparison{exists: true, fields: fields}
	}
	return nil
}

// localTarget connects the plan's target to the stack whose endpoints the file holds.
func localTarget(file string, plan *contract.Plan) (target, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s, so no local stack runs: start it with make run (or name the file that crosswalk run --endpoints writes)", file)
	}
	if err != nil {
		return nil, err
	}
	var e stack.Endpoints
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	transport := plainHTTP{&http.Client{Timeout: 30 * time.Second}}
	credential := localCredential{e.Entra, e.Dataverse.Scope, transport}
	base := e.Dataverse.BaseURL
	if plan.To.System == schema.FnO {
		credential.scope, base = e.FnO.Scope, e.FnO.BaseURL
	}
	base = strings.Replace(base, "http://", "https://", 1)
	switch plan.To.System {
	case schema.Dataverse:
		client, err := dataverse.New(base, credential, &odata.Options{Transport: transport})
		if err != nil {
			return nil, err
		}
		return flow.NewDataverseTarget(client, plan)
	case schema.FnO:
		client, err := finops.New(base, credential, &odata.Options{Transport: transport})
		if err != nil {
			return nil, err
		}
		return flow.NewFnOTarget(client, plan), nil
	}
	return nil, fmt.Errorf("no %s runs in the local stack", plan.To.System)
}

// plainHTTP sends requests without TLS: the simulators listen on loopback, and the clients insist on https addresses.
type plainHTTP struct{ client *http.Client }

// Do implements policy.Transporter.
func (p plainHTTP) Do(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme = "http"
	return p.client.Do(r)
}

// localCredential is the identity that the local stack has for tools.
type localCredential struct {
	entra     stack.EntraEndpoint
	scope     string
	transport plainHTTP
}

// GetToken implements azcore.TokenCredential. It asks for the simulator's own scope, whatever the client wants.
func (c localCredential) GetToken(ctx context.Context, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.entra.ClientID}, "client_secret": {c.entra.ClientSecret}, "scope": {c.scope}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.entra.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return azcore.AccessToken{}, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := c.transport.Do(request)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	defer response.Body.Close()
	var answer struct {
		Token  string `json:"access_token"`
		Expiry int    `json:"expires_in"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&answer); err != nil || response.StatusCode != http.StatusOK {
		return azcore.AccessToken{}, fmt.Errorf("the local stack gives no token: HTTP %d", response.StatusCode)
	}
	return azcore.AccessToken{Token: answer.Token, ExpiresOn: time.Now().Add(time.Duration(answer.Expiry) * time.Second)}, nil
}

// endpointsPath is the file that --endpoints names, or else the one that a run leaves.
func endpointsPath(root, given string) string {
	if given != "" {
		return given
	}
	return filepath.Join(root, endpointsFile)
}
