package sbwire

// intercepted handles a request, unless the service is told to answer it otherwise.
func (r *requests) intercepted(req request) response {
	if ask := r.c.s.o.Intercept; ask != nil {
		if err, code := ask(r.node, req.operation); err != nil {
			return response{code: code, description: err.Description, condition: err.Condition}
		}
	}
	return r.handle(req)
}
