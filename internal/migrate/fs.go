package migrate

import (
	"io"
	"io/fs"
	"strings"
	"time"
)

// FS offers the files to migration programs such as goose. It is one flat
// directory, read-only.
func FS(files []File) fs.FS { return folder(files) }

type folder []File

// Open implements [fs.FS].
func (d folder) Open(name string) (fs.File, error) {
	if name == "." {
		return &openFolder{rest: d}, nil
	}
	for _, f := range d {
		if f.Name == name {
			return &openFile{Reader: strings.NewReader(f.Text), info: info{name: f.Name, size: len(f.Text)}}, nil
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// openFolder is the directory while it is read.
type openFolder struct{ rest []File }

func (o *openFolder) Stat() (fs.FileInfo, error) {
	return info{name: ".", mode: fs.ModeDir | 0o555}, nil
}
func (o *openFolder) Close() error { return nil }
func (o *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: ".", Err: fs.ErrInvalid}
}

// ReadDir implements [fs.ReadDirFile].
func (o *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 || n > len(o.rest) {
		if n > 0 && len(o.rest) == 0 {
			return nil, io.EOF
		}
		n = len(o.rest)
	}
	var entries []fs.DirEntry
	for _, f := range o.rest[:n] {
		entries = append(entries, fs.FileInfoToDirEntry(info{name: f.Name, size: len(f.Text)}))
	}
	o.rest = o.rest[n:]
	return entries, nil
}

// openFile is a migration while it is read.
type openFile struct {
	*strings.Reader
	info info
}

func (o *openFile) Stat() (fs.FileInfo, error) { return o.info, nil }
func (o *openFile) Close() error               { return nil }

type info struct {
	name string
	size int
	mode fs.FileMode
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return int64(i.size) }
func (i info) Mode() fs.FileMode  { return i.mode | 0o444 }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }
