// Package claim keeps bodies that are too large for a message: the message carries a reference (claim check), the body
// lies in a blob.
//
// A blob is named by the SHA-256 of its content, so putting the same body twice is putting it once, and what comes back
// can be checked. Nothing here deletes: a blob is kept for as long as any message may refer to it, which a lifecycle rule
// of the storage account decides.
package claim

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"crosswalk/shared/fault"
)

// Container is the name of the container that holds the bodies.
const Container = "claim-check"

// MaxBody is the largest body in bytes that [Store.Get] reads: the largest message of Service Bus.
const MaxBody = 100 << 20

var references = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^` + Container + `/([0-9a-f]{64})$`)
})

// Store is a blob container of bodies. It is safe for concurrent use.
type Store struct{ container *container.Client }

// New returns the store in this container, which has to exist (see [Store.Create]).
func New(c *container.Client) *Store { return &Store{container: c} }

// Create makes the container if it isn't there. In Azure the infrastructure does that; one machine has nobody else.
func (s *Store) Create(ctx context.Context) error {
	_, err := s.container.Create(ctx, nil)
	if err == nil || bloberror.HasCode(err, bloberror.ContainerAlreadyExists) {
		return nil
	}
	return judge(err, "creating the container "+Container)
}

// Put stores body and returns its reference, a relative URI such as "claim-check/9f86d0…" that outlives a move to another
// storage account. A body that is there already is not written again, but its age starts anew.
//
// Errors: Misconfigured (no permission, no container), else Transient.
func (s *Store) Put(ctx context.Context, body []byte) (ref string, err error) {
	sum := sha256.Sum256(body)
	name := hex.EncodeToString(sum[:])
	b := s.container.NewBlockBlobClient(name)
	for range 2 {
		_, err = b.Upload(ctx, streaming.NopCloser(bytes.NewReader(body)), &blockblob.UploadOptions{
			AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: to.Ptr(azcore.ETagAny)}},
		})
		if !bloberror.HasCode(err, bloberror.BlobAlreadyExists, bloberror.ConditionNotMet) {
			break
		}
		// The lifecycle rule goes by the last modification, so a body that is used again has to be touched. If the rule
		// was faster the blob is gone, and uploading it is right after all.
		_, err = b.SetMetadata(ctx, nil, nil)
		if !bloberror.HasCode(err, bloberror.BlobNotFound) {
			break
		}
	}
	if err != nil {
		return "", judge(err, "storing a body")
	}
	return Container + "/" + name, nil
}

// Get returns the body that ref refers to.
//
// Errors: Permanent "bad-value" for what is no reference, "body-expired" when the blob is gone, "body-corrupt" when its
// content isn't what was put; Misconfigured (no permission, no container), else Transient.
func (s *Store) Get(ctx context.Context, ref string) ([]byte, error) {
	match := references().FindStringSubmatch(ref)
	if match == nil {
		return nil, fault.Reject("bad-value", "dataref", "the reference is not one of the claim check's: "+Container+"/ and 64 hexadecimal digits")
	}
	response, err := s.container.NewBlobClient(match[1]).DownloadStream(ctx, nil)
	if bloberror.HasCode(err, bloberror.BlobNotFound) {
		return nil, &fault.Error{Kind: fault.Permanent, Reason: "body-expired", Field: "dataref", Err: err,
			Detail: "the body was kept in the container " + Container + " and is gone; send the event again from its source"}
	}
	if err != nil {
		return nil, judge(err, "reading a body")
	}
	retrying := response.NewRetryReader(ctx, nil)
	defer retrying.Close()
	body, err := io.ReadAll(io.LimitReader(retrying, MaxBody+1))
	if err != nil {
		return nil, judge(err, "reading a body")
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != match[1] {
		return nil, fault.Reject("body-corrupt", "dataref", "the blob's content is not what was put there")
	}
	return body, nil
}

// judge says whose fault a failed call of the store is.
func judge(err error, doing string) error {
	f := &fault.Error{Kind: fault.Transient, Reason: "claim-store-unavailable", Detail: doing + " failed", Err: err}
	var response *azcore.ResponseError
	if !errors.As(err, &response) {
		return f
	}
	f.Detail = fmt.Sprintf("%s failed with HTTP %d, %s", doing, response.StatusCode, response.ErrorCode)
	switch response.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		f.Kind, f.Reason = fault.Misconfigured, "claim-store-refused"
	}
	return f
}
