package sqlite

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Errors in the shapes that the drivers for SQLite give them.
type (
	moderncError struct{ code int }
	ncrucesError struct{ code uint16 }
	ncrucesCode  uint8
	ncrucesMore  uint16
	mattnError   struct {
		Code         mattnCode
		ExtendedCode mattnMore
	}
	mattnCode int
	mattnMore int
)

func (moderncError) Error() string                { return "modernc" }
func (e moderncError) Code() int                  { return e.code }
func (*ncrucesError) Error() string               { return "ncruces" }
func (e *ncrucesError) Code() ncrucesCode         { return ncrucesCode(e.code) }
func (e *ncrucesError) ExtendedCode() ncrucesMore { return ncrucesMore(e.code) }
func (mattnError) Error() string                  { return "mattn" }

func TestCode_isFoundWhateverTheDriver(t *testing.T) {
	for _, err := range []error{moderncError{codeBusySnapshot}, &ncrucesError{codeBusySnapshot}, mattnError{codeBusy, codeBusySnapshot}, mattnError{Code: codeBusySnapshot}} {
		for _, err := range []error{err, fmt.Errorf("commit: %w", err), errors.Join(errors.New("first"), err)} {
			assert.Equal(t, codeBusySnapshot, code(err), "%T", err)
			assert.True(t, busy(err))
			assert.Contains(t, hint(err), "begin it immediate")
		}
	}
	for _, err := range []error{nil, errors.New("other"), mattnError{}} {
		assert.Zero(t, code(err))
		assert.False(t, busy(err))
	}
}
