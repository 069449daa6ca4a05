package dist

import (
	"archive/zip"
	"io"
	"os"
	"slices"
	"time"
)

// modified is the time of every entry: the first that a zip can hold.
var modified = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// WriteZip writes files as a zip, sorted by name. The entries are marked as made by Unix, so that their modes count
// wherever it's written: Azure runs the handler by its x bit.
func WriteZip(w io.Writer, files []File) error {
	files = slices.SortedFunc(slices.Values(files), byName)
	archive := zip.NewWriter(w)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.Name, Method: zip.Deflate, Modified: modified}
		header.SetMode(f.Mode())
		entry, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := entry.Write(f.Data); err != nil {
			return err
		}
	}
	return archive.Close()
}

func writeZipFile(name string, files []File) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := WriteZip(f, files); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
