package email

import (
	"bufio"
	"errors"
	"strconv"
	"strings"
)

// maxReplies bounds what a relay may say during one step of opening a session
// or during one letter, in bytes; maxReply does so for one line.
const (
	maxReplies = 64 << 10
	maxReply   = 4 << 10
)

var (
	errNotSMTP = errors.New("not an SMTP answer")
	errTooMuch = errors.New("the relay says too much")
)

// answer is what the relay says to one command.
type answer struct {
	code     int      // 200 to 599
	enhanced enhanced // zero if it gave none
	lines    []string // without codes
}

// enhanced is a status code of RFC 3463: class, subject, detail.
type enhanced [3]int

// text is the answer in one line.
func (a answer) text() string { return strings.Join(a.lines, " ") }

// readAnswer reads all lines of one answer. It spends from budget.
func readAnswer(in *bufio.Reader, budget *int) (answer, error) {
	var a answer
	for {
		line, err := in.ReadSlice('\n')
		*budget -= len(line)
		if errors.Is(err, bufio.ErrBufferFull) || *budget < 0 {
			return answer{}, errTooMuch
		}
		if err != nil {
			return answer{}, err
		}
		code, text, last, ok := splitAnswer(strings.TrimRight(string(line), "\r\n"))
		if !ok || a.code != 0 && a.code != code {
			return answer{}, errNotSMTP
		}
		a.code = code
		if e, rest, ok := cutEnhanced(text); ok && (len(a.lines) == 0 || e == a.enhanced) {
			a.enhanced, text = e, rest
		}
		a.lines = append(a.lines, text)
		if last {
			return a, nil
		}
	}
}

// splitAnswer takes a line apart: "250-text", "250 text" or "250".
func splitAnswer(line string) (code int, text string, last, ok bool) {
	if len(line) < 3 || line[0] < '2' || line[0] > '5' || !digit(line[1]) || !digit(line[2]) {
		return 0, "", false, false
	}
	code = int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')
	if len(line) == 3 {
		return code, "", true, true
	}
	if line[3] != ' ' && line[3] != '-' {
		return 0, "", false, false
	}
	return code, line[4:], line[3] == ' ', true
}

func digit(b byte) bool { return b >= '0' && b <= '9' }

// cutEnhanced takes a code like "5.1.1" off the beginning of a text.
func cutEnhanced(text string) (enhanced, string, bool) {
	word, rest, _ := strings.Cut(text, " ")
	parts := strings.Split(word, ".")
	if len(parts) != 3 {
		return enhanced{}, text, false
	}
	var e enhanced
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 10)
		if err != nil {
			return enhanced{}, text, false
		}
		e[i] = int(n)
	}
	if e[0] != 2 && e[0] != 4 && e[0] != 5 {
		return enhanced{}, text, false
	}
	return e, rest, true
}
