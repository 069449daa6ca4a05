package feed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

// send sends a body to a queue, as F&O or Dataverse would. messageID is empty where the sender sets none.
func (f *Feed) send(ctx context.Context, queue, messageID string, body []byte) error {
	sender, err := f.sender(queue)
	if err != nil {
		return err
	}
	m := &azservicebus.Message{Body: body, ContentType: ptr("application/json")}
	if messageID != "" {
		m.MessageID = &messageID
	}
	return sender.SendMessage(ctx, m, nil)
}

// sendAt sends a body that comes up at a time.
func (f *Feed) sendAt(ctx context.Context, queue string, body []byte, at time.Time) error {
	sender, err := f.sender(queue)
	if err != nil {
		return err
	}
	return sender.SendMessage(ctx, &azservicebus.Message{Body: body, ScheduledEnqueueTime: &at}, nil)
}

func ptr[T any](v T) *T { return &v }

// webhook posts a body to the webhook function, as Dataverse would, and returns the status. Without a key, key is "".
func (f *Feed) webhook(ctx context.Context, key string, header http.Header, body []byte) (int, error) {
	e := f.Stack.Endpoints()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.Functions.BaseURL+"/api/dataverse-webhook", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	if key != "" {
		r.Header.Set("x-functions-key", key)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

// WebhookKey returns the key of the webhook function.
func (f *Feed) WebhookKey() string { return f.Stack.Endpoints().Functions.Keys["dataverse-webhook"] }

// PutAccount writes an account as a person would: through the Web API, with the outside tool's identity.
func (f *Feed) PutAccount(ctx context.Context, id string, columns map[string]any) error {
	return f.PutRow(ctx, "accounts", id, columns)
}

// PutRow writes a row of any entity set in Dataverse, new or not, as PutAccount does. columns is what becomes a JSON object.
func (f *Feed) PutRow(ctx context.Context, set, id string, columns any) error {
	body, err := json.Marshal(columns)
	if err != nil {
		return err
	}
	e := f.Stack.Endpoints()
	token, err := f.token(ctx, e.Dataverse.Scope)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPatch, e.Dataverse.APIURL+set+"("+id+")", bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"Authorization": "Bearer " + token, "Content-Type": "application/json", "Accept": "application/json",
		"OData-Version": "4.0", "OData-MaxVersion": "4.0",
	} {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s %s", set, id, answer.Status, text)
	}
	return err
}

func (f *Feed) token(ctx context.Context, scope string) (string, error) {
	if f.tokenText != "" && time.Now().Before(f.tokenUntil) {
		return f.tokenText, nil
	}
	e := f.Stack.Endpoints().Entra
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {e.ClientID}, "client_secret": {e.ClientSecret}, "scope": {scope}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var got struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		Error       string `json:"error"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
		return "", err
	}
	if got.AccessToken == "" {
		return "", errors.New("no token: " + got.Error)
	}
	f.tokenText, f.tokenUntil = got.AccessToken, time.Now().Add(time.Duration(got.ExpiresIn/2)*time.Second)
	return got.AccessToken, nil
}
