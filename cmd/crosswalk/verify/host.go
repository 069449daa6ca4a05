package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"crosswalk/handlers/receive"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 4 << 20

// call sends one request to the host with its master key and returns status and body. The error never holds the key.
func (d *Deployment) call(ctx context.Context, method, path string, header map[string]string) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(d.Host, "/")+path, http.NoBody)
	if err != nil {
		return 0, nil, errors.New("the host's address is no URL")
	}
	r.Header.Set("X-Functions-Key", d.HostKey)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return d.do(r)
}

func (d *Deployment) do(r *http.Request) (int, []byte, error) {
	resp, err := d.HTTP.Do(r)
	if err != nil {
		var at *url.Error
		if errors.As(err, &at) {
			err = at.Err // without the URL
		}
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, body, err
}

// host asks whether the Functions host runs.
func (d *Deployment) host(ctx context.Context) []Finding {
	const question = "the Functions host runs"
	const fix = "look at the function app's log stream; deploy again with azd deploy"
	code, body, err := d.call(ctx, http.MethodGet, "/admin/host/status", nil)
	switch {
	case err != nil:
		return []Finding{failed(question, fix, "it doesn't answer: %v", err)}
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return []Finding{failed(question, "give the master key of this function app", "it refuses the key (%d)", code)}
	case code != http.StatusOK:
		return []Finding{failed(question, fix, "it answers %d", code)}
	}
	var status struct {
		State, Version string
		Errors         []string
	}
	if err := json.Unmarshal(body, &status); err != nil {
		return []Finding{failed(question, fix, "its status is no JSON")}
	}
	if status.State != "Running" {
		return []Finding{failed(question, fix, "it is in state %s, version %s, with %d errors", status.State, status.Version, len(status.Errors))}
	}
	return []Finding{held(question, "version %s", status.Version)}
}

// functions asks whether the host has all functions of the project, enabled, and no other.
func (d *Deployment) functions(ctx context.Context) []Finding {
	const question = "the host has every function, and they are enabled"
	code, body, err := d.call(ctx, http.MethodGet, "/admin/functions", nil)
	var list []struct {
		Name       string
		IsDisabled bool
	}
	if err == nil && code == http.StatusOK {
		err = json.Unmarshal(body, &list)
	}
	if err != nil || code != http.StatusOK {
		return []Finding{failed(question, "give the master key; see whether the host runs", "its list can't be had (status %d)", code)}
	}
	missing, disabled, surplus := slices.Clone(d.Functions), []string{}, []string{}
	for _, f := range list {
		i := slices.Index(missing, f.Name)
		switch {
		case i < 0:
			surplus = append(surplus, f.Name)
		case f.IsDisabled:
			disabled = append(disabled, f.Name)
		}
		if i >= 0 {
			missing = slices.Delete(missing, i, i+1)
		}
	}
	var wrong []string
	for _, part := range []struct {
		what  string
		names []string
	}{{"missing", missing}, {"disabled", disabled}, {"not the project's", surplus}} {
		if len(part.names) > 0 {
			wrong = append(wrong, part.what+": "+strings.Join(part.names, ", "))
		}
	}
	if len(wrong) > 0 {
		return []Finding{failed(question, "deploy again with azd deploy; enable what an app setting AzureWebJobs.<name>.Disabled disables", "%s", strings.Join(wrong, "; "))}
	}
	return []Finding{held(question, "%d functions", len(list))}
}

const proxied = "HTTP requests are proxied to the handler byte for byte"

// webhook asks whether HTTP requests reach the handler, and in which way.
func (d *Deployment) webhook(ctx context.Context) []Finding {
	const question = proxied
	if d.Webhook == "" {
		return nil
	}
	code, body, err := d.call(ctx, http.MethodPost, "/api/"+d.Webhook, map[string]string{receive.ProbeHeader: "1"})
	if err != nil {
		return []Finding{failed(question, "look at the function app's log stream", "it doesn't answer: %v", err)}
	}
	var answer struct{ Status, Through string }
	if code != http.StatusOK || json.Unmarshal(body, &answer) != nil || answer.Status != "probe" {
		return []Finding{failed(question, "look at the log of function "+d.Webhook, "the handler's answer doesn't come back (status %d)", code)}
	}
	if answer.Through != receive.ThroughProxy {
		return []Finding{failed(question, "a host newer than 4.1037 proxies; an older one forwards, which works, but answers a chunked body with 500", "the host forwards")}
	}
	return []Finding{held(question, "the host proxies")}
}

// systems asks how Dataverse and F&O answer who isn't known.
func (d *Deployment) systems(ctx context.Context) []Finding {
	var out []Finding
	for _, s := range []struct{ name, base, path string }{
		{"Dataverse", d.DataverseURL, "/api/data/v9.2/WhoAmI"}, {"F&O", d.FnOURL, "/data/"},
	} {
		if s.base == "" {
			continue
		}
		question := fmt.Sprintf("%s answers a call without a token with 401", s.name)
		fix := "see that the address of " + s.name + " is right; where it is, the judgement of that status in the code needs a look"
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(s.base, "/")+s.path, http.NoBody)
		if err != nil {
			out = append(out, failed(question, fix, "its address is no URL"))
			continue
		}
		code, body, err := d.do(r)
		switch {
		case err != nil:
			out = append(out, failed(question, fix, "it doesn't answer: %v", err))
		case code != http.StatusUnauthorized:
			out = append(out, failed(question, fix, "it answers %d", code))
		default:
			out = append(out, held(question, "401 with a body of %d bytes", len(body)))
		}
	}
	return out
}
