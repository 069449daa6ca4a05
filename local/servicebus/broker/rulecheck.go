package broker

// CheckRule reports what is wrong with a rule, as adding it would. The error is ErrInvalid.
func CheckRule(r Rule) error {
	_, err := r.compile()
	return err
}
