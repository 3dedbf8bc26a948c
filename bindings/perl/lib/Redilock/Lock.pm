# A lock that was granted. The manual is in Redilock.
package Redilock::Lock;

use strict;
use warnings;

our @CARP_NOT = qw(Redilock Redilock::Core Redilock::Error);

sub _new {
    my ($class, $client, $handle) = @_;
    return bless { client => $client, handle => $handle }, $class;
}

sub release { Redilock::Core::release($_[0]{handle}); return }

sub extend {
    my ($self, $ttl) = @_;
    Redilock::Core::extend($self->{handle}, Redilock::_milliseconds('ttl', $ttl));
    return;
}

sub drop   { Redilock::Core::drop_lock($_[0]{handle});  return }
sub detach { Redilock::Core::leave_lock($_[0]{handle}); return }

sub is_held   { return Redilock::Core::lock_is_held($_[0]{handle}) == 1 }
sub remaining { return Redilock::Core::lock_remaining_ms($_[0]{handle}) / 1000 }
sub fence     { return Redilock::Core::lock_fence($_[0]{handle}) }
sub token     { return Redilock::Core::lock_token($_[0]{handle}) }
sub name      { return Redilock::Core::lock_name($_[0]{handle}) }
sub message   { return Redilock::Core::lock_message($_[0]{handle}) }

sub wait_lost {
    my ($self, $timeout) = @_;
    my $ms = defined $timeout ? Redilock::_milliseconds('wait', $timeout) : -1;
    return 1 if eval { Redilock::Core::lock_wait_lost($self->{handle}, $ms); 1 };
    return 1 if Redilock::Error::is($@, 'LOST');
    return 0 if Redilock::Error::is($@, 'TIMEOUT');
    die $@;
}

sub watch {
    my ($self) = @_;
    my $handle = $self->{handle};
    $self->{client}->_submit(sub { Redilock::Core::lock_watch($handle, $_[0]) }, lock => $self);
    return;
}

sub submit_release {
    my ($self) = @_;
    my ($client, $handle) = @$self{qw(client handle)};
    my $op = $client->_op;
    return $client->_submit(
        sub { Redilock::Core::op_submit_release($op, $handle, $_[0]) },
        op   => $op,
        lock => $self
    );
}

sub submit_extend {
    my ($self, $ttl) = @_;
    my ($client, $handle) = @$self{qw(client handle)};
    my $op = $client->_op;
    Redilock::_set_options('op', $op, { ttl => $ttl });
    return $client->_submit(
        sub { Redilock::Core::op_submit_extend($op, $handle, $_[0]) },
        op   => $op,
        lock => $self
    );
}

1;
