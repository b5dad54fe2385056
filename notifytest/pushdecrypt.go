package notifytest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// The sizes of RFC 8188.
const (
	saltSize   = 16
	headerSize = saltSize + 4 + 1 // and the id of the key
	keySize    = 16
	nonceSize  = 12
	tagSize    = 16
	minRecord  = 18 // below, there is no room for anything
)

var errPadding = errors.New("notifytest: the padding is broken")

// encrypted is a body in the encoding aes128gcm, taken apart (RFC 8188, 2.1).
type encrypted struct {
	salt    []byte
	record  int
	keyID   []byte
	records []byte
}

func parseEncrypted(body []byte) (encrypted, error) {
	if len(body) < headerSize || len(body) < headerSize+int(body[headerSize-1]) {
		return encrypted{}, errors.New("notifytest: the encrypted body is too short")
	}
	end := headerSize + int(body[headerSize-1])
	e := encrypted{
		salt: body[:saltSize], record: int(binary.BigEndian.Uint32(body[saltSize:])),
		keyID: body[headerSize:end], records: body[end:],
	}
	if e.record < minRecord || len(e.records) == 0 {
		return encrypted{}, errors.New("notifytest: the encrypted body has no record")
	}
	return e, nil
}

// decryptPush decrypts what a push service brings (RFC 8291): one record whose
// key comes of the sender's public key, in the place of the key's id, and of the
// browser's private key and secret.
func decryptPush(body []byte, private *ecdh.PrivateKey, auth []byte) ([]byte, error) {
	e, err := parseEncrypted(body)
	if err != nil {
		return nil, err
	}
	if len(e.records) > e.record {
		return nil, errors.New("notifytest: a push has one record") // RFC 8291, section 4
	}
	sender, err := ecdh.P256().NewPublicKey(e.keyID)
	if err != nil {
		return nil, fmt.Errorf("notifytest: the sender's key: %w", err)
	}
	shared, err := private.ECDH(sender)
	if err != nil {
		return nil, fmt.Errorf("notifytest: the sender's key: %w", err)
	}
	info := "WebPush: info\x00" + string(private.PublicKey().Bytes()) + string(e.keyID)
	input, err := hkdf.Key(sha256.New, shared, auth, info, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("notifytest: %w", err)
	}
	return e.decrypt(input)
}

// decrypt opens all records with the key that comes of the input (RFC 8188,
// sections 2.2 and 2.3).
func (e encrypted) decrypt(input []byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, input, e.salt, "Content-Encoding: aes128gcm\x00", keySize)
	if err != nil {
		return nil, fmt.Errorf("notifytest: %w", err)
	}
	base, err := hkdf.Key(sha256.New, input, e.salt, "Content-Encoding: nonce\x00", nonceSize)
	if err != nil {
		return nil, fmt.Errorf("notifytest: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("notifytest: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("notifytest: %w", err)
	}
	var text []byte
	rest := e.records
	for number := uint64(0); ; number++ {
		nonce := bytes.Clone(base)
		binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^number)
		size := min(e.record, len(rest))
		plain, err := gcm.Open(nil, nonce, rest[:size], nil)
		if err != nil {
			return nil, fmt.Errorf("notifytest: record %d: %w", number, err)
		}
		rest = rest[size:]
		plain, err = unpad(plain, len(rest) == 0)
		if err != nil {
			return nil, err
		}
		text = append(text, plain...)
		if len(rest) == 0 {
			return text, nil
		}
	}
}

// unpad takes the padding off a record: a 2 in the last, a 1 in others, and
// zeros after it.
func unpad(plain []byte, last bool) ([]byte, error) {
	plain = bytes.TrimRight(plain, "\x00")
	delimiter := byte(1)
	if last {
		delimiter = 2
	}
	if len(plain) == 0 || plain[len(plain)-1] != delimiter {
		return nil, errPadding
	}
	return plain[:len(plain)-1], nil
}
