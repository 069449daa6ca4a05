package identity

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"crosswalk/shared/fault"
)

// The reasons of a proof that could not be had. All happen before anything is sent to Dataverse or F&O.
const (
	// ReasonNoIdentity: the managed identity gave no token.
	ReasonNoIdentity = "no-managed-identity"
	// ReasonNoCertificate: Key Vault gave no certificate, or none that can be used.
	ReasonNoCertificate = "no-certificate"
)

// judgeIdentity judges a failure of the managed identity. It keeps nothing of the answer.
func judgeIdentity(ctx context.Context, err error) error {
	var refused *azidentity.AuthenticationFailedError
	if errors.As(err, &refused) && refused.RawResponse != nil && refused.RawResponse.StatusCode < 500 && refused.RawResponse.StatusCode != http.StatusTooManyRequests {
		return &fault.Error{Kind: fault.Misconfigured, Reason: ReasonNoIdentity,
			Detail: "the platform has no such managed identity for this function app: check ENTRA_MANAGED_IDENTITY_CLIENT_ID, and that the identity is assigned to the app"}
	}
	if !passing(ctx, err) && refused == nil {
		return &fault.Error{Kind: fault.Misconfigured, Reason: ReasonNoIdentity,
			Detail: "there is no managed identity here: assign one to the function app, or set ENTRA_CERTIFICATE_PATH where there is none"}
	}
	return &fault.Error{Kind: fault.Transient, Reason: ReasonNoIdentity, Detail: "the managed identity gave no token for now; nothing was sent"}
}

// judgeVault judges a failure of Key Vault. It keeps nothing of the answer but its status.
func judgeVault(ctx context.Context, err error) error {
	var answer *azcore.ResponseError
	if !errors.As(err, &answer) {
		if passing(ctx, err) {
			return &fault.Error{Kind: fault.Transient, Reason: ReasonNoCertificate, Detail: "Key Vault didn't answer; nothing was sent"}
		}
		return judgeIdentity(ctx, err)
	}
	misconfigured := func(detail string) error {
		return &fault.Error{Kind: fault.Misconfigured, Reason: ReasonNoCertificate, Detail: detail}
	}
	switch status := answer.StatusCode; {
	case status == http.StatusTooManyRequests:
		return &fault.Error{Kind: fault.Throttled, Reason: ReasonNoCertificate, After: retryAfter(answer.RawResponse), Detail: "Key Vault asks for fewer requests"}
	case status >= 500:
		return &fault.Error{Kind: fault.Transient, Reason: ReasonNoCertificate, Detail: "Key Vault failed (" + strconv.Itoa(status) + "); nothing was sent"}
	case status == http.StatusNotFound:
		return misconfigured("the vault of ENTRA_CERTIFICATE_VAULT has no certificate of the name ENTRA_CERTIFICATE_NAME: crosswalk certificate ensure makes it")
	case status == http.StatusForbidden || status == http.StatusUnauthorized:
		return misconfigured("Key Vault refuses the certificate (" + strconv.Itoa(status) + "): the managed identity needs the role Key Vault Secrets User on ENTRA_CERTIFICATE_VAULT, " +
			"the vault's network must let the app in, and the certificate must be enabled")
	default:
		return misconfigured("Key Vault doesn't take the request (" + strconv.Itoa(status) + "): check ENTRA_CERTIFICATE_VAULT and ENTRA_CERTIFICATE_NAME")
	}
}

// passing says whether err is of the kind that goes away by itself: a deadline or the network.
func passing(ctx context.Context, err error) bool {
	var network net.Error
	return ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.As(err, &network)
}

// retryAfter returns the seconds that Key Vault asks to wait; 0 where it doesn't say.
func retryAfter(r *http.Response) time.Duration {
	if r == nil {
		return 0
	}
	seconds, err := strconv.Atoi(r.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
