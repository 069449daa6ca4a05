package systems_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"crosswalk/local/systems"
)

func start(t *testing.T) *systems.Systems {
	t.Helper()
	s, err := systems.Start(systems.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// trusting returns a client that trusts the simulators' CA and nothing else.
func trusting(t *testing.T, e systems.Endpoints) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(e.CAPEM) {
		t.Fatal("CAPEM holds no certificate")
	}
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// secretToken asks for a token with the outside tool's secret.
func secretToken(t *testing.T, c *http.Client, e systems.Endpoints, resource string) string {
	t.Helper()
	status, body := post(t, c, e.TokenURL, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {e.ClientID}, "client_secret": {e.ClientSecret}, "scope": {resource + "/.default"},
	})
	var answer struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || status != 200 || answer.AccessToken == "" || answer.TokenType != "Bearer" || answer.ExpiresIn != 3599 {
		t.Fatalf("token answer %d %s: %v", status, body, err)
	}
	return answer.AccessToken
}

func post(t *testing.T, c *http.Client, address string, form url.Values) (int, []byte) {
	t.Helper()
	resp, err := c.PostForm(address, form)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, drain(t, resp)
}

func drain(t *testing.T, resp *http.Response) []byte {
	t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// call sends one request. headers are name and value in turn.
func call(t *testing.T, c *http.Client, token, method, address, body string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp, drain(t, resp)
}

// TestCertificateCredential goes the whole way of the real handler: azidentity's client certificate credential over https,
// then a read and a write with its token.
func TestCertificateCredential(t *testing.T) {
	s := start(t)
	e := s.Endpoints()
	c := trusting(t, e)
	certs, key, err := azidentity.ParseCertificates(e.CrosswalkCertificatePEM, nil)
	if err != nil {
		t.Fatal(err)
	}
	credential := func() *azidentity.ClientCertificateCredential {
		cred, err := azidentity.NewClientCertificateCredential(e.TenantID, e.CrosswalkClientID, certs, key, &azidentity.ClientCertificateCredentialOptions{
			ClientOptions:            azcore.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: e.EntraAuthorityHTTPS}, Transport: c},
			DisableInstanceDiscovery: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		return cred
	}
	for _, base := range []string{e.DataverseHTTPS, e.DataverseHTTP, strings.Replace(e.DataverseHTTPS, "127.0.0.1", "localhost", 1)} {
		token, err := credential().GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{base + "/.default"}})
		if err != nil {
			t.Fatalf("%s: %v", base, err)
		}
		resp, body := call(t, c, token.Token, "GET", base+"/api/data/v9.2/accounts(accountnumber='US-001')?$select=name", "")
		if resp.StatusCode != 200 || !bytes.Contains(body, []byte(`"name":"Alder Ridge Outfitters"`)) {
			t.Fatalf("%s: %d %s", base, resp.StatusCode, body)
		}
	}
	token, err := credential().GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{e.FnOHTTPS + "/.default"}})
	if err != nil {
		t.Fatal(err)
	}
	resp, body := call(t, c, token.Token, "PATCH", e.FnOHTTPS+"/data/CustomersV3(dataAreaId='demf',CustomerAccount='DE-001')?cross-company=true", `{"CreditLimit":9007199254740993.21}`)
	if resp.StatusCode != 204 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	row, ok := s.FnO().Row("CustomersV3", "demf", "DE-001")
	if !ok || !bytes.Contains(row.JSON, []byte(`"CreditLimit":9007199254740993.21,`)) || row.Writes != 1 {
		t.Fatalf("%v %s", ok, row.JSON)
	}
}

// TestPage: rows are shown, written ones first, and everything is escaped.
func TestPage(t *testing.T) {
	b := newBench(t)
	resp, body := call(t, b.c, "", "GET", b.e.Page+"/", "")
	text := string(body)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	for _, want := range []string{"Dataverse: account (21)", "Dataverse: invoice (0)", "F&amp;O: CustomersV3 (21)", "<td>US-001</td>", "<td>DE-001</td>", "Müller &amp; Söhne", `http-equiv="refresh"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, `class="written"`) {
		t.Error("a row is marked as written at the start")
	}
	b.dataverse(t, "PATCH", "accounts(accountnumber='US-020')", `{"name":"<script>alert(1)</script>"}`)
	b.fno(t, "PATCH", "CustomersV3(dataAreaId='usmf',CustomerAccount='US-019')", `{"SalesMemo":"\"><img src=x onerror=alert(1)>"}`)
	_, body = call(t, b.c, "", "GET", b.e.Page+"/", "")
	text = string(body)
	if strings.Contains(text, "<script>") || strings.Contains(text, "<img") || !strings.Contains(text, "&lt;script&gt;alert(1)&lt;/script&gt;") || !strings.Contains(text, "<th scope=\"col\">SalesMemo</th>") {
		t.Errorf("not escaped, or not shown")
	}
	if first := strings.Index(text, "US-020"); first > strings.Index(text, "US-001") || strings.Count(text, `class="written"`) != 2 {
		t.Error("the written row must come first and be marked")
	}
	if resp, _ := call(t, b.c, "", "GET", b.e.Page+"/other", ""); resp.StatusCode != 404 {
		t.Errorf("another path: %d", resp.StatusCode)
	}
}

// TestPorts: every port speaks TLS and plain HTTP, answers to loopback names only, and may be given.
func TestPorts(t *testing.T) {
	b := newBench(t)
	for _, base := range []string{b.e.DataverseHTTPS, b.e.DataverseHTTP, b.e.FnOHTTPS, b.e.FnOHTTP} {
		if resp, _ := call(t, b.c, "", "GET", base+"/", ""); resp.StatusCode != 401 {
			t.Errorf("%s: %d", base, resp.StatusCode)
		}
	}
	req, err := http.NewRequest("GET", b.e.Page+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "evil.example"
	resp, err := b.c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if drain(t, resp); resp.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("another host name: %d", resp.StatusCode)
	}
	taken := strings.TrimPrefix(b.e.FnOHTTP, "http://")
	if s, err := systems.Start(systems.Options{Listen: map[string]string{"page": taken}}); err == nil || !strings.Contains(err.Error(), "page") {
		t.Errorf("a taken port: %v %v", s, err)
	}
	if s, err := systems.Start(systems.Options{Listen: map[string]string{"fno": "0.0.0.0:0"}}); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("an open port: %v %v", s, err)
	}
	if err := b.s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := systems.Start(systems.Options{Listen: map[string]string{"fno": taken}})
	if err != nil {
		t.Fatalf("the same port after Close: %v", err)
	}
	defer again.Close()
	if again.Endpoints().FnOHTTP != b.e.FnOHTTP {
		t.Errorf("%s, want %s", again.Endpoints().FnOHTTP, b.e.FnOHTTP)
	}
}
