package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
)

// The invocations below have the shape that the Functions host gives them (recorded from host 4.1037 with Service Bus
// extension 5.x): in a single one each text is encoded twice, in a batch each key holds a string that holds a list.

var properties = map[string]any{
	"cloudEvents:specversion": "1.0", "cloudEvents:type": "fno.SalesOrderConfirmed", "cloudEvents:source": "https://contoso.operations.dynamics.com",
	"cloudEvents:id": "0B2D6F2A-7F0D-4B35-9D7F-5C6F1B6E0A11", "cloudEvents:subject": "SO-001047", "sequence": "5637166327",
	"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}

func token(i int) string { return fmt.Sprintf("6e0f0c3e-0d5b-4b5e-9c51-%012x", i) }

// numbered gives the event an order number of its own.
func numbered(event []byte, i int) []byte {
	return bytes.Replace(event, []byte(`"SO-001047"`), fmt.Appendf(nil, `"SO-%06d"`, i), 1)
}

func quoted(v any) string {
	b, _ := json.Marshal(v) // texts, numbers and maps of them: it can't fail
	return string(b)
}

func singleInvocation(event []byte) []byte {
	return []byte(quoted(map[string]any{
		"Data": map[string]any{"in": base64.StdEncoding.EncodeToString(numbered(event, 1))},
		"Metadata": map[string]any{
			"MessageReceiver": map[string]any{}, "MessageActions": map[string]any{}, "ReceiveActions": map[string]any{},
			"Client":        map[string]any{"FullyQualifiedNamespace": "ns.servicebus.windows.net", "IsClosed": false, "TransportType": 0, "Identifier": "ns-1"},
			"DeliveryCount": "1", "LockToken": quoted(token(1)), "ExpiresAtUtc": "2026-11-26T06:47:22", "EnqueuedTimeUtc": "2026-11-23T06:47:22.123",
			"MessageId": quoted("m-1"), "ContentType": quoted("application/json"), "SequenceNumber": "42", "Subject": quoted("SO-000001"),
			"CorrelationId": quoted("c-1"), "ApplicationProperties": properties, "UserProperties": properties,
			"sys": map[string]any{"MethodName": "single", "UtcNow": "2026-11-23T06:47:22.9", "RandGuid": token(7)},
		},
	}))
}

func batchInvocation(event []byte, n int) []byte {
	bodies := make([][]byte, n)
	for i := range bodies {
		bodies[i] = numbered(event, i)
	}
	return invocationOf(bodies)
}

// invocationOf returns one invocation with a message for each body.
func invocationOf(bodies [][]byte) []byte {
	lists := map[string][]any{}
	for i, body := range bodies {
		for key, value := range map[string]any{
			"in": base64.StdEncoding.EncodeToString(body), "DeliveryCount": 1, "LockToken": token(i), "ExpiresAtUtc": "2026-11-26T06:47:22",
			"EnqueuedTimeUtc": "2026-11-23T06:47:22.123", "MessageId": fmt.Sprintf("m-%d", i), "ContentType": "application/json", "SequenceNumber": 42 + i,
			"Subject": fmt.Sprintf("SO-%06d", i), "CorrelationId": "c-1", "ApplicationProperties": properties, "UserProperties": properties,
		} {
			lists[key] = append(lists[key], value)
		}
	}
	metadata := map[string]any{"Client": map[string]any{"FullyQualifiedNamespace": "ns.servicebus.windows.net", "IsClosed": false}}
	for key, values := range lists {
		if key != "in" {
			metadata[key+"Array"] = quoted(values)
		}
	}
	return []byte(quoted(map[string]any{"Data": map[string]any{"in": quoted(lists["in"])}, "Metadata": metadata}))
}

// piece is how much of a body the host sends in one chunk: about 1 kB (host 4.1037, recorded).
const piece = 1 << 10

// post returns a request's bytes as the host sends them: these headers in this order, the body in chunks (host 4.1037, recorded).
func post(address, path string, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nX-Azure-Functions-HostVersion: 4.1037.0.0\r\n"+
		"X-Azure-Functions-InvocationId: 4141800e-e057-4565-8c59-8f32e07aa755\r\nUser-Agent: Azure-Functions-Host/4.1037.0.0\r\n"+
		"Transfer-Encoding: chunked\r\nContent-Type: application/json; charset=utf-8\r\n\r\n", path, address)
	for chunk := range slices.Chunk(body, piece) {
		fmt.Fprintf(&b, "%X\r\n%s\r\n", len(chunk), chunk)
	}
	b.WriteString("0\r\n\r\n")
	return b.Bytes()
}
