package certificate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
)

// graphURL is Microsoft Graph of the public cloud.
const graphURL = "https://graph.microsoft.com"

// graph is the little of Microsoft Graph that is needed. The SDK for it is hundreds of packages; this is five calls.
type graph struct{ pipeline runtime.Pipeline }

func newGraph(credential azcore.TokenCredential, o policy.ClientOptions) *graph {
	token := runtime.NewBearerTokenPolicy(credential, []string{graphURL + "/.default"}, nil)
	return &graph{runtime.NewPipeline("crosswalk", "", runtime.PipelineOptions{PerRetry: []policy.Policy{token}}, &o)}
}

// application returns the path of an application by its client id.
func application(clientID string) string {
	return "/v1.0/applications(appId='" + url.PathEscape(clientID) + "')"
}

// do sends in as JSON, unless it is nil, and decodes the answer into out, unless that is nil.
func (g *graph) do(ctx context.Context, method, path string, in, out any) error {
	request, err := runtime.NewRequest(ctx, method, graphURL+path)
	if err != nil {
		return err
	}
	request.Raw().Header.Set("Accept", "application/json")
	if in != nil {
		body, err := json.Marshal(in)
		if err != nil {
			return err
		}
		if err := request.SetBody(streaming.NopCloser(bytes.NewReader(body)), "application/json"); err != nil {
			return err
		}
	}
	answer, err := g.pipeline.Do(request)
	if err != nil {
		return fmt.Errorf("the directory (Microsoft Graph) can't be asked: %w", err)
	}
	defer answer.Body.Close()
	if !runtime.HasStatusCode(answer, http.StatusOK, http.StatusCreated, http.StatusNoContent) {
		return runtime.NewResponseError(answer)
	}
	if out == nil {
		return nil
	}
	return runtime.UnmarshalAsJSON(answer, out)
}

// explainGraph says what to do about a refusal of Graph.
func (m *Manager) explainGraph(err error, do string) error {
	var answer *azcore.ResponseError
	if !errors.As(err, &answer) {
		return err
	}
	switch {
	case answer.StatusCode == http.StatusForbidden:
		return fmt.Errorf("the directory (Microsoft Graph) refuses to %s (403 %s): who runs this must own application %s, or have the role Application Administrator "+
			"(a service principal: the permission Application.ReadWrite.OwnedBy and ownership). An administrator can run the same command; what is done already stays", do, answer.ErrorCode, m.o.Application)
	case answer.StatusCode == http.StatusNotFound:
		return fmt.Errorf("there is no application with the client id %s in this tenant: check the id, and that the login is to the application's tenant", m.o.Application)
	case answer.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("the directory (Microsoft Graph) doesn't take the token (401 %s): log in again (azd auth login, az login)", answer.ErrorCode)
	case answer.StatusCode == http.StatusTooManyRequests:
		return fmt.Errorf("the directory (Microsoft Graph) asks for fewer requests (429) and kept asking: run this again in a minute")
	}
	return fmt.Errorf("the directory (Microsoft Graph) refuses to %s: %d %s: %s", do, answer.StatusCode, answer.ErrorCode, messageOf(answer))
}

// messageOf returns the sentence of a refusal of Graph. It names properties and ids, never a key.
func messageOf(answer *azcore.ResponseError) string {
	var body struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if answer.RawResponse == nil {
		return ""
	}
	data, err := runtime.Payload(answer.RawResponse)
	if err != nil || json.Unmarshal(data, &body) != nil {
		return ""
	}
	return strings.TrimSpace(body.Error.Message)
}
