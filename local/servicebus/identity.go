package servicebus

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// tokenPath is where the port gives out tokens, by the protocol of App Service's identity endpoint, so that a client can
// be used with a credential as in the cloud: IDENTITY_ENDPOINT=http://host:port/msi/token, IDENTITY_HEADER=anything.
const tokenPath = "/msi/token"

// socketPath is where AMQP goes over WebSocket.
const socketPath = "/$servicebus/websocket"

// tokenLife is how long a client takes such a token for good. The broker doesn't look at its end.
const tokenLife = 24 * time.Hour

// giveToken answers with a token that the broker takes for one of an identity that may do everything. It's no secret and
// good nowhere else: anybody who reaches the port may ask for it, as anybody there may use the broker.
func giveToken(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || r.Header.Get("X-IDENTITY-HEADER") == "" {
		http.Error(w, "a GET with X-IDENTITY-HEADER is wanted", http.StatusBadRequest)
		return
	}
	resource, end := r.URL.Query().Get("resource"), time.Now().Add(tokenLife).Unix()
	claims, err := json.Marshal(map[string]any{"aud": resource, "exp": end, "iss": "crosswalk"})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	part := base64.RawURLEncoding.EncodeToString
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{ // who went away doesn't read the answer
		"access_token": part([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + part(claims) + ".",
		"expires_on":   strconv.FormatInt(end, 10),
		"resource":     resource,
		"token_type":   "Bearer",
	})
}
