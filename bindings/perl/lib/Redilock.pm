# A distributed lock kept in Redis. The manual is below.
package Redilock;

use strict;
use warnings;

use POSIX          ();
use Redilock::Core ();
use Redilock::Error;
use Redilock::Lock;
use Scalar::Util qw(looks_like_number);
use Time::HiRes  ();

our $VERSION  = $Redilock::Core::VERSION_STRING;
our @CARP_NOT = qw(Redilock::Core Redilock::Error Redilock::Lock);

# The handles of Redilock::Core free what they have; a new thread gets none of them.
for my $name (qw(options client op lock info list)) {
    my $free = Redilock::Core->can('delete_' . ucfirst $name);
    no strict 'refs';
    *{"_p_redilock_${name}::DESTROY"}    = sub { $free->($_[0]) };
    *{"_p_redilock_${name}::CLONE_SKIP"} = sub { 1 };
}

my %KINDS = (
    $Redilock::Core::COMPLETION_ACQUIRE => 'acquire',
    $Redilock::Core::COMPLETION_RELEASE => 'release',
    $Redilock::Core::COMPLETION_EXTEND  => 'extend',
    $Redilock::Core::COMPLETION_LOSS    => 'loss',
    $Redilock::Core::COMPLETION_INFO    => 'info',
    $Redilock::Core::COMPLETION_LOG     => 'log',
);
my @STATES = qw(free held foreign);
my @LEVELS = (undef, qw(error warning info));

my %types = map { Redilock::Core::option_name($_) => Redilock::Core::option_type($_) }
    0 .. Redilock::Core::option_count() - 1;

sub has { return Redilock::Core::has($_[-1]) == 1 }

# Milliseconds of seconds: a wait is rounded up, anything else down.
sub _milliseconds {
    my ($name, $seconds) = @_;
    if (!looks_like_number($seconds) || $seconds != $seconds) {
        my $message = "$name: it has to be a number of seconds";
        die Redilock::Error::make($Redilock::Core::E_INVALID, $message);
    }
    return -1 if $seconds < 0;
    return -1 if $seconds > 1e9 && $name eq 'wait';
    return 1e15 if $seconds > 1e12;
    return $name eq 'wait' ? POSIX::ceil($seconds * 1000) : POSIX::floor($seconds * 1000);
}

# Sets options by their type; other texts are the library's to judge.
sub _set_options {
    my ($kind, $object, $options) = @_;
    my ($set_bytes, $set_int) = map { Redilock::Core->can("${kind}_$_") } qw(set_bytes set_int);
    for my $name (sort keys %$options) {
        my $value = $options->{$name};
        my $type  = $types{$name} // '';
        if (!defined $value) {
            next;
        } elsif ($type eq 'duration' && looks_like_number($value)) {
            $set_int->($object, $name, _milliseconds($name, $value));
        } elsif ($type eq 'boolean' && ($value eq '' || looks_like_number($value))) {
            $set_int->($object, $name, $value ? 1 : 0);
        } else {
            $set_bytes->($object, $name, $value);
        }
    }
    return;
}

# ------------------------------------------------------------------ client

sub new {
    my ($class, %options) = @_;
    my $self = bless { url => delete $options{url}, options => \%options }, $class;
    $self->_handle;
    return $self;
}

# The client of this process: the child of a fork makes one of its own.
sub _handle {
    my ($self) = @_;
    if (($self->{process} // 0) != $$) {
        my $set = Redilock::Core::options_new();
        _set_options('options', $set, $self->{options});
        $self->{handle}  = Redilock::Core::new($self->{url}, $set);
        $self->{process} = $$;
        @$self{qw(last_tag pending ready)} = (0, {}, []);
    }
    return $self->{handle};
}

sub _op {
    my ($self, $name, $options) = @_;
    my $op = Redilock::Core::op_new($self->_handle);
    Redilock::Core::op_set_bytes($op, 'name', $name) if @_ > 1;
    _set_options('op', $op, $options) if $options;
    return $op;
}

sub acquire {
    my ($self, $name, %options) = @_;
    my $op = $self->_op($name, \%options);
    Redilock::Core::op_set_int($op, 'interruptible', 1)
        unless defined($options{interruptible} // $self->{options}{interruptible});
    while (1) {
        my $lock = eval { $self->_acquire($op) };
        return $lock if $lock;
        die $@ unless Redilock::Error::is($@, 'INTERRUPTED');    # else the handler has returned
    }
}

sub _acquire {
    my ($self, $op) = @_;
    my $tag  = ++$self->{last_tag};
    my $lock = Redilock::Core::op_begin_acquire($op, $tag);
    return Redilock::Lock->_new($self, $lock) if $lock;
    $self->{pending}{$tag} = { op => $op, tag => $tag };
    my $done = eval { $self->_await($tag) };
    if (!$done) {    # a handler of a signal died
        delete $self->{pending}{$tag};
        die $@;
    }
    die $done->{error} if $done->{error};
    return $done->{lock};
}

# Waits for the completion of a request, and keeps others for next().
sub _await {
    my ($self, $tag) = @_;
    while (1) {
        if (my $done = $self->_take) {
            return $done if $done->{tag} == $tag;
            push @{ $self->{ready} }, $done;
        } else {
            $self->_wait_readable(1);
        }
    }
}

# Waits for the descriptor, or until a handler of a signal has run. One that ran just before would
# not end the wait: it takes a second at most.
sub _wait_readable {
    my ($self, $seconds) = @_;
    vec(my $readable = '', $self->fd, 1) = 1;
    select $readable, undef, undef, $seconds < 1 ? $seconds : 1;
    return;
}

sub try_acquire {
    my ($self, $name, %options) = @_;
    my $lock = eval { $self->acquire($name, wait => 0, %options) };
    return $lock if $lock;
    die $@ unless Redilock::Error::is($@, 'HELD', 'TIMEOUT');
    return;
}

sub with_lock {
    my ($self, $name, @options) = @_;
    my $code = pop @options;
    my $lock = $self->acquire($name, @options);
    my $list = wantarray;
    my @results;
    my $ok = eval {
        if ($list)               { @results = $code->($lock) }
        elsif (defined $list)    { $results[0] = $code->($lock) }
        else                     { $code->($lock) }
        1;
    };
    if (!$ok) {
        my $error = $@;
        eval { $lock->release };
        die $error;
    }
    $lock->release;
    return $list ? @results : $results[0];
}

sub attach {
    my ($self, $name, $token, %options) = @_;
    my $op = $self->_op($name, \%options);
    Redilock::Core::op_set_bytes($op, 'token', $token);
    return Redilock::Lock->_new($self, Redilock::Core::op_attach($op));
}

sub release {
    my ($self, $name, $token) = @_;
    Redilock::Core::op_release($self->_op($name, { token => $token }), undef);
    return;
}

sub extend {
    my ($self, $name, $token, $ttl) = @_;
    Redilock::Core::op_extend($self->_op($name, { token => $token, ttl => $ttl }), undef);
    return;
}

sub break_lock {
    my ($self, $name) = @_;
    Redilock::Core::op_break($self->_op($name));
    return;
}

sub info {
    my ($self, $name) = @_;
    return _info_of(Redilock::Core::op_info($self->_op($name)));
}

sub _info_of {
    my ($handle) = @_;
    my @queue;
    while (defined(my $label = Redilock::Core::info_waiter_label($handle, scalar @queue))) {
        my $since = Redilock::Core::info_waiter_since_ms($handle, scalar @queue) / 1000;
        my $polls = Redilock::Core::info_waiter_polls($handle, scalar @queue);
        push @queue, { label => $label, since => $since, polls => $polls };
    }
    my $remaining = Redilock::Core::info_remaining_ms($handle);
    return {
        state     => $STATES[Redilock::Core::info_state($handle)] // 'held',
        label     => Redilock::Core::info_label($handle),
        remaining => $remaining < 0 ? 'inf' : $remaining / 1000,
        waiters   => Redilock::Core::info_waiters($handle),
        queue     => \@queue,
        is        => sub { Redilock::Core::info_is($handle, $_[0]) == 1 },
    };
}

sub names {
    my ($self, $pattern) = @_;
    my $list = Redilock::Core::list_new($self->_handle, $pattern // '*');
    my @names;
    while (defined(my $name = Redilock::Core::list_next($list))) { push @names, $name }
    return @names;
}

sub check {
    my ($self) = @_;
    my $op = $self->_op;
    Redilock::Core::op_check($op);
    return Redilock::Core::op_message($op);
}

sub stats {
    my ($self) = @_;
    my $handle = $self->_handle;
    return {
        map { $_ => Redilock::Core::client_stat($handle, $_) }
        map { Redilock::Core::stat_name($_) } 0 .. Redilock::Core::stat_count() - 1
    };
}

sub log_lines {
    my ($self) = @_;
    my @lines;
    while (1) {
        my ($level, $time, $line) = Redilock::Core::client_log($self->_handle);
        return @lines unless $level;
        push @lines, { level => $LEVELS[$level] // $level, time => $time / 1000, line => $line };
    }
}

sub close {
    my ($self) = @_;
    Redilock::Core::client_close($self->_handle);
    return;
}

# ------------------------------------------------------------------ without blocking

# Calls $call->($tag), which submits a request; it is known before, and forgotten if that fails.
sub _submit {
    my ($self, $call, %request) = @_;
    $self->_handle;
    my $tag     = ++$self->{last_tag};
    my $request = bless { tag => $tag, %request }, 'Redilock::Request';
    $self->{pending}{$tag} = $request;
    eval { $call->($tag); 1 } or do {
        delete $self->{pending}{$tag};
        die $@;
    };
    return $request;
}

sub submit {
    my ($self, $name, %options) = @_;
    my $op = $self->_op($name, \%options);
    return $self->_submit(sub { Redilock::Core::op_submit_acquire($op, $_[0]) }, op => $op);
}

sub submit_info {
    my ($self, $name) = @_;
    my $op = $self->_op($name);
    return $self->_submit(sub { Redilock::Core::op_submit_info($op, $_[0]) }, op => $op);
}

sub fd { return Redilock::Core::client_fd($_[0]->_handle) }

sub next {
    my ($self, $timeout) = @_;
    my $until = Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC()) + ($timeout // 0);
    $self->_handle;
    while (1) {
        my $done = shift @{ $self->{ready} } // $self->_take;
        return $done if $done;
        my $left = $until - Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC());
        return if $left <= 0;
        $self->_wait_readable($left);
    }
}

# The next completion, if there is one.
sub _take {
    my ($self) = @_;
    my ($tag, $kind, $status) = Redilock::Core::client_next($self->{handle});
    my $name    = $KINDS{$kind} or return;
    my $request = delete $self->{pending}{$tag} // {};
    my $done    = { kind => $name, tag => $tag, request => $request, lock => $request->{lock} };
    if ($status != $Redilock::Core::OK) {
        my $message = $name eq 'loss'
            ? Redilock::Core::lock_message($request->{lock}{handle})
            : Redilock::Core::op_message($request->{op});
        $done->{error} = Redilock::Error::make($status, $message);
    } elsif ($name eq 'acquire') {
        my $lock = Redilock::Core::op_take_lock($request->{op});
        $done->{lock} = Redilock::Lock->_new($self, $lock);
    } elsif ($name eq 'info') {
        $done->{info} = _info_of(Redilock::Core::op_take_info($request->{op}));
    }
    return $done;
}

package Redilock::Request;

sub cancel   { Redilock::Core::op_cancel($_[0]{op}); return }
sub position { return Redilock::Core::op_position($_[0]{op}) }

1;

__END__
=encoding utf8

=head1 NAME

Redilock - a distributed lock kept in Redis

=head1 SYNOPSIS

    use Redilock;

    my $client = Redilock->new;    # of REDILOCK_URL
    $client->with_lock('report', ttl => 30, wait => 60, renew => 1, sub {
        my ($lock) = @_;
        write_report($lock->fence);
    });

=head1 DESCRIPTION

Each call asks the redilock library. Durations are seconds, or texts such as C<'500ms'>;
C<'forever'> is a wait without end. Options have the names and defaults of the library (C<man 3
redilock>, C<redilock help options>), and one that is undef is left out. Names and tokens are
strings of any bytes; text that Perl holds as UTF-8 is locked as UTF-8.

=head1 CLIENT

=over

=item Redilock->new(url => URL, OPTIONS)

Makes a client. The server is first asked by the first call. The options are the client's, and
defaults of its calls. In the child of a fork, the client connects again at its first call.

=item acquire(NAME, OPTIONS)

Waits for the lock, for ever unless C<wait> is set, and returns it. Handlers of signals run during
the wait: one that dies ends it, and one that returns costs no place in the queue.

=item try_acquire(NAME, OPTIONS)

Returns the lock, or undef where another holds it. Waits only if C<wait> is set.

=item with_lock(NAME, OPTIONS, CODE)

Calls CODE with the lock, releases the lock, and returns what CODE returned. Dies with the error
of CODE, or else with that of the release: C<LOST> means that CODE may have run without the lock.

=item attach(NAME, TOKEN, OPTIONS)

Makes a lock of one that another process holds, by its token, and extends it by C<ttl>.

=item release(NAME, TOKEN), extend(NAME, TOKEN, TTL)

Release and extend a lock of any process.

=item break_lock(NAME)

Takes a lock away from its holder, and hands it to the next waiter. The holder learns it by its
next extension or renewal.

=item info(NAME)

Looks a lock up, and returns a hash: C<state> (C<free>, C<held>, C<foreign>), C<label>,
C<remaining>, C<waiters>, C<queue> (the first hundred, with C<label>, C<since> and C<polls>), and
C<is>, which is code that says whether a token held the lock.

=item names(PATTERN), check, stats, log_lines

The names of locks on the server that match a glob-style pattern; the server's address and
version, if it can be used; a hash of what the client counts; and the lines of the log since the
last call (C<level>, C<time>, C<line>), of which the option C<log> says how many are kept.

=item close

Ends all that runs on the client. Held locks are not released.

=item Redilock->has(FEATURE)

Whether this build of the library can do something, such as C<tls>.

=back

=head1 LOCKS

C<release> and C<extend(TTL)> ask the server. C<is_held>, C<remaining>, C<fence>, C<token>,
C<name> and C<message> (why it was lost) do not. C<wait_lost(TIMEOUT)> waits until the lock is
lost. C<drop> releases the lock in the background, as the end of the last reference does.
C<detach> releases nothing: another process attaches the lock.

=head1 WITHOUT BLOCKING

C<< $client->submit(NAME, OPTIONS) >>, C<submit_info(NAME)>, C<< $lock->submit_release >> and
C<submit_extend(TTL)> return a request. C<< $client->next(TIMEOUT) >> returns a hash of what has
ended: C<kind> (C<acquire>, C<release>, C<extend>, C<info>, C<loss>, C<log>), C<request>, C<lock>,
C<info>, and C<error> where it failed; undef if there is nothing. An event loop watches
C<< $client->fd >>, and calls C<next> until it returns undef. C<< $request->cancel >> ends a wait,
C<< $request->position >> is its place, and C<< $lock->watch >> has a loss returned by C<next>.

A blocking call of the same client takes completions too and keeps them for C<next>, without the
descriptor being readable. A client of an event loop should therefore not make any.

=head1 ERRORS

A call that fails dies with a C<Redilock::Error>, of a class for each status:
C<Redilock::Error::LOST>, C<::TIMEOUT>, C<::HELD>, C<::UNAVAILABLE> and so on.
C<< $error->message >> names the lock, the holder, the server and the cause; C<status> and C<code>
are those of the library.

=head1 LIMITS

A thread gets no objects of the thread that made it.

=cut
