# The exceptions: Redilock::Error, and Redilock::Error::LOST and so on for each status.
package Redilock::Error;

use strict;
use warnings;

use Carp         ();
use Scalar::Util ();
use overload '""' => sub { "$_[0]{message}$_[0]{place}" }, bool => sub { 1 }, fallback => 1;

our @CARP_NOT = qw(Redilock Redilock::Core Redilock::Lock);

# An error of a status of the library; Redilock::Core calls it too.
sub make {
    my ($code, $message) = @_;
    my $status = Redilock::Core::status_name($code) =~ s/^REDILOCK_E_//r;
    my $class  = __PACKAGE__;
    if ($status =~ /^\w+$/) {    # else one of a later library
        $class .= "::$status";
        no strict 'refs';
        @{"${class}::ISA"} = (__PACKAGE__) unless @{"${class}::ISA"};
    }
    $message = Redilock::Core::strerror($code) if $message eq '';
    my $place = Carp::shortmess('');
    return bless { code => $code, status => $status, message => $message, place => $place }, $class;
}

# Whether an exception is one of ours with one of these statuses.
sub is {
    my ($error, @statuses) = @_;
    return 0 unless Scalar::Util::blessed($error) && $error->isa(__PACKAGE__);
    return scalar grep { $error->{status} eq $_ } @statuses;
}

sub code    { return $_[0]{code} }
sub status  { return $_[0]{status} }
sub message { return $_[0]{message} }

1;
