package notifytest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
)

// jwt is a JSON Web Token (RFC 7519) in its compact form, as sinks check it.
type jwt struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`

	Issuer   string `json:"iss"`
	Scope    string `json:"scope"`
	Audience string `json:"aud"`
	Subject  string `json:"sub"`
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

// parseJWT reads a token and tells whether its signature is that of the key.
func parseJWT(token string, key crypto.PublicKey) (parsed jwt, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return jwt{}, false
	}
	var raw [3][]byte
	for i, part := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return jwt{}, false
		}
	}
	if json.Unmarshal(raw[1], &parsed) != nil || json.Unmarshal(raw[0], &parsed) != nil {
		return jwt{}, false
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		if parsed.Algorithm != "ES256" || len(raw[2]) != 64 {
			return jwt{}, false
		}
		r, s := new(big.Int).SetBytes(raw[2][:32]), new(big.Int).SetBytes(raw[2][32:])
		return parsed, ecdsa.Verify(key, digest[:], r, s)
	case *rsa.PublicKey:
		return parsed, parsed.Algorithm == "RS256" && rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], raw[2]) == nil
	}
	return jwt{}, false
}
